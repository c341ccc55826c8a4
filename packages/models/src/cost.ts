import type { GraphCost, Value } from '@forgelens/autograd';
import { build, costOf, input } from '@forgelens/autograd';
import { countParameters, evaluation, namedParameters } from '@forgelens/nn';
import type { LocalizerNetwork } from './network.ts';

/** What a network takes to look at one image. */
export interface NetworkCost extends GraphCost {
  /** Trained numbers; buffers are not counted. */
  readonly parameters: number;
  /** Height and width of the image, px. */
  readonly size: number;
}

/**
 * Counts what a network takes for one image of size × size px, from the graph that computes its logits.
 * @throws {ShapeError} when the size does not suit the network
 */
export function costOfNetwork(network: LocalizerNetwork, size: number): NetworkCost {
  const image = input('float32', [1, 3, size, size]);
  const { logits } = network.forward(image, evaluation());
  const parameters: Record<string, Value> = Object.fromEntries(namedParameters(network));
  const graph = build({ inputs: { image, ...parameters }, outputs: { logits } });
  return { parameters: countParameters(network), size, ...costOf(graph) };
}
