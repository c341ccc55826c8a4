import type { Value } from '@forgelens/autograd';
import { constant, div, float32, sub } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';

/** What a localizer computes from an image; a network may add heads of its own for its loss. */
export interface LocalizerOutput {
  /** Tampering logits of every pixel, [N, 1, H, W]. */
  readonly logits: Value;
}

/**
 * A network that localizes forgeries. Every network takes images as [N, 3, H, W] in [0, 1], RGB, and normalizes them
 * itself, so that training, evaluation, serving and exported files have one input contract.
 */
export interface LocalizerNetwork<Output extends LocalizerOutput = LocalizerOutput> extends Module {
  /** @throws {ShapeError} when height or width does not suit the network */
  forward(image: Value, ctx: Context): Output;
  /**
   * The network's own training loss, a scalar.
   * @param mask - [N, 1, H, W], 1 = tampered
   */
  loss(output: Output, mask: Value): Value;
}

/** How images of any size are brought to a network. */
export type SizePolicy =
  /** As they are: padded to a multiple by reflection, and cut into tiles when large. */
  | { readonly kind: 'native'; readonly multiple: number }
  /** Resized to a square, as the publication does; resizing is itself a manipulation, and results say so. */
  | { readonly kind: 'resize'; readonly size: number };

/** A published network, or one of ours: how it is made, and how its official checkpoint names its parameters. */
export interface ModelDefinition<Output extends LocalizerOutput = LocalizerOutput> {
  readonly id: string;
  /** One line for a list. */
  readonly title: string;
  /** Publication or origin. */
  readonly source: string;
  readonly sizePolicy: SizePolicy;
  /** What the network is known not to see, or to see where nothing is. One sentence each. */
  readonly limitations: readonly string[];
  create(): LocalizerNetwork<Output>;
  /** The name in the official checkpoint of one of our parameters or modules; absent when there is none. */
  readonly officialName?: (name: string) => string;
  /** Entries of the official checkpoint that hold nothing to load: counters, and constants that we compute. */
  readonly officialConstants?: RegExp;
}

const imageNetMean = constant(float32([3, 1, 1], [0.485, 0.456, 0.406]));
const imageNetDeviation = constant(float32([3, 1, 1], [0.229, 0.224, 0.225]));

/** An image in [0, 1] with ImageNet's channel means taken off, in units of its standard deviations. */
export const normalizeImageNet = (image: Value): Value => div(sub(image, imageNetMean), imageNetDeviation);
