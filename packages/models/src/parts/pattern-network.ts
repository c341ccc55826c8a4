import type { Value } from '@forgelens/autograd';
import { ShapeError, add, concat, nchw } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { ResNet, resNet, resNetV1cOfficialName } from '../backbones/resnet.ts';
import { ConvNorm } from './conv-norm.ts';
import { FeatureUNet } from './feature-unet.ts';
import { DifferenceAttention } from './map-attention.ts';

/*
 * What CDFL and SDPAL share: the encoder before their patterns, and the decoder behind them. Their official codes have
 * the same files here.
 */

/** The sizes of a network. */
export interface PatternNetworkConfig {
  readonly backbone: keyof typeof resNet;
  /** Channels of the features, 512 as published; all other widths follow. Divisible by 32. */
  readonly channels: number;
}

export const publishedSizes: PatternNetworkConfig = { backbone: 'r101', channels: 512 };

/** Height and width of the features, as a share of those of the image. */
export const featureStride = 8;
/** The decoder halves the features three times. */
const sizeMultiple = 8 * featureStride;

/**
 * Features of a ResNet with output stride 8: its last three maps, each brought to one width, joined and mixed.
 * [N, 3, H, W] → [N, channels, H / 8, W / 8]
 */
export class FeatureEncoder implements Module {
  readonly backbone: ResNet;
  readonly levels: readonly ConvNorm[];
  readonly fusion: ConvNorm;

  constructor({ backbone, channels }: PatternNetworkConfig) {
    const width = channels / 8;
    this.backbone = new ResNet({ ...resNet[backbone], stem: 'v1c', outputStride: featureStride, width });
    this.levels = [8, 16, 32].map(times => new ConvNorm(times * width, channels, 3));
    this.fusion = new ConvNorm(this.levels.length * channels, channels, 3);
  }

  forward(x: Value, ctx: Context): Value {
    const maps = this.backbone.forward(x, ctx).slice(1);
    const levels = maps.map((map, i) => this.levels[i]!.forward(map, ctx));
    return this.fusion.forward(concat(levels, 1), ctx);
  }
}

/** Two convolutions around a residual: [N, C, H, W] → the same. */
class Refine implements Module {
  readonly first: ConvNorm;
  readonly second: ConvNorm;

  constructor(channels: number) {
    this.first = new ConvNorm(channels, channels, 3, { bias: true });
    this.second = new ConvNorm(channels, channels, 3, { bias: true });
  }

  forward(x: Value, ctx: Context): Value {
    return add(x, this.second.forward(this.first.forward(x, ctx), ctx));
  }
}

/** From features and patterns to logits: [N, in, h, w] → [N, 1, H, W]. */
export class PatternDecoder implements Module {
  readonly fuse: ConvNorm;
  readonly attention: DifferenceAttention;
  readonly refine: Refine;
  readonly unet: FeatureUNet;

  constructor(inChannels: number, channels: number, { attention }: { readonly attention: boolean }) {
    this.fuse = new ConvNorm(inChannels, channels, 1);
    this.attention = new DifferenceAttention(channels, 8);
    this.refine = new Refine(channels);
    this.unet = new FeatureUNet(channels, { attention });
  }

  forward(x: Value, size: readonly [height: number, width: number], ctx: Context): Value {
    const attended = this.attention.forward(this.fuse.forward(x, ctx));
    return this.unet.forward(this.refine.forward(attended, ctx), size, ctx);
  }
}

/** Height and width of an image. @throws {ShapeError} when they do not suit the decoder */
export function requireSize(image: Value, who: string): readonly [height: number, width: number] {
  const [, , height, width] = nchw(image, `${who} image`);
  if (height % sizeMultiple !== 0 || width % sizeMultiple !== 0)
    throw new ShapeError(
      who,
      `height and width must be divisible by ${sizeMultiple}, got ${height}×${width}; pad or resize the image first`,
    );
  return [height, width];
}

/** Parts of the official checkpoints that hold nothing to learn: a decoder that is never called, and counters. */
export const patternNetworkConstants = /num_batches_tracked$|^mscc\.decoder\./;

/** Where the layers of one or two ConvNorms are in the official sequences, ReLU included. */
const placeInSequence: Readonly<Record<string, number>> = {
  conv: 0,
  norm: 1,
  'first.conv': 0,
  'first.norm': 1,
  first: 2,
  'second.conv': 3,
  'second.norm': 4,
  second: 5,
};

/** The name in the official checkpoints of a part or parameter of ours. */
export function patternNetworkOfficialName(name: string): string {
  const next = (prefix: string) => (_: string, i: string) => `${prefix}${Number(i) + 1}`;
  const statistics = name.replace('runningMean', 'running_mean').replace('runningVar', 'running_var');
  if (name.startsWith('encoder.backbone.'))
    return `mscc.backbone_net.${resNetV1cOfficialName(statistics.slice('encoder.backbone.'.length))}`;
  return statistics
    .replace(
      /\.((?:first|second)(?:\.conv|\.norm)?|conv|norm)(?=\.|$)/,
      (_, place: string) => `.${placeInSequence[place]!}`,
    )
    .replace(/^encoder\.levels\.(\d)/, next('mscc.bottleneck'))
    .replace('encoder.fusion', 'mscc.bottleneck_fusion')
    .replace('encoder.backbone', 'mscc.backbone_net')
    .replace('encoder', 'mscc')
    .replace('decoder.fuse', 'fuse_conv')
    .replace(/^decoder\.attention\.(q1|k1|q2|k2|v)/, 'diff_attn.to_$1')
    .replace('decoder.attention.project', 'diff_attn.unify')
    .replace('decoder.attention', 'diff_attn')
    .replace(/^decoder\.refine(?=\.\d)/, 'conv_refine.refine')
    .replace('decoder.refine', 'conv_refine')
    .replace('decoder.unet', 'unet')
    .replace('unet.down.0', 'unet.inc.double_conv')
    .replace(/^unet\.down\.(\d)/, 'unet.down$1.maxpool_conv.1.double_conv')
    .replace(/^unet\.attention\.(\d)/, next('unet.attn'))
    .replace('.qkv', '.qkv_proj')
    .replace('.project', '.out_proj')
    .replace(/^unet\.up\.(\d)/, next('unet.up'))
    .replace('.assist', '.attn_proj')
    .replace('.block', '.conv.double_conv')
    .replace('unet.head', 'unet.outc.conv');
}
