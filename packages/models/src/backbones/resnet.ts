import type { Value } from '@forgelens/autograd';
import { add, avgPool2d, maxPool2d, relu } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d } from '@forgelens/nn';
import { ConvNorm } from '../parts/conv-norm.ts';
import { convInit } from '../parts/initializers.ts';
import type { Backbone } from './backbone.ts';

/** A residual block: [N, in, H, W] → [N, 4 · width, H / stride, W / stride]. */
export interface ResidualBlock extends Module {
  forward(x: Value, ctx: Context): Value;
}

/** One of the published sizes of ResNet, or of a network that differs from it in its blocks. */
export interface ResNetConfig<Block extends ResidualBlock = Bottleneck> {
  /** Blocks of each stage, finest first. */
  readonly depths: readonly [number, number, number, number];
  /** v1: one 7×7 convolution; v1c: three of 3×3, the "ResNet-C" of He et al. 2019, https://arxiv.org/abs/1812.01187. */
  readonly stem: 'v1' | 'v1c';
  /** How much smaller than the image the last map is; stages that would shrink it further are dilated instead. */
  readonly outputStride: 8 | 16 | 32;
  /** Channels after the stem; stage i gives width · 2^(i + 2). */
  readonly width: number;
  readonly block: new (inChannels: number, width: number, stride: number, dilation: number) => Block;
}

/** Each block's output is this many times wider than its inner convolutions. */
export const expansion = 4;

/**
 * A convolution and its batch norm without ReLU, where a block changes size: [N, in, H, W] → [N, out, H/s, W/s].
 * It takes every s-th pixel in height and width, or if `averaged` their mean: the "ResNet-D" of He et al. 2019.
 */
export class Shortcut implements Module {
  readonly window: number;
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;

  constructor(inChannels: number, outChannels: number, stride: number, { averaged = false } = {}) {
    this.window = averaged ? stride : 1;
    this.conv = new Conv2d(inChannels, outChannels, 1, { stride: stride / this.window, bias: false, ...convInit() });
    this.norm = new BatchNorm2d(outChannels);
  }

  forward(x: Value, ctx: Context): Value {
    const h = this.window > 1 ? avgPool2d(x, this.window) : x;
    return this.norm.forward(this.conv.forward(h), ctx);
  }
}

/** 1×1, 3×3 and 1×1 convolutions around a residual; stride and dilation are those of the 3×3 one. */
export class Bottleneck implements ResidualBlock {
  readonly conv1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly norm2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly norm3: BatchNorm2d;
  readonly shortcut: Shortcut | null;

  constructor(inChannels: number, width: number, stride: number, dilation: number) {
    const outChannels = width * expansion;
    this.conv1 = new Conv2d(inChannels, width, 1, { bias: false, ...convInit() });
    this.norm1 = new BatchNorm2d(width);
    this.conv2 = new Conv2d(width, width, 3, { stride, padding: dilation, dilation, bias: false, ...convInit() });
    this.norm2 = new BatchNorm2d(width);
    this.conv3 = new Conv2d(width, outChannels, 1, { bias: false, ...convInit() });
    this.norm3 = new BatchNorm2d(outChannels);
    this.shortcut = stride > 1 || inChannels !== outChannels ? new Shortcut(inChannels, outChannels, stride) : null;
  }

  forward(x: Value, ctx: Context): Value {
    let h = relu(this.norm1.forward(this.conv1.forward(x), ctx));
    h = relu(this.norm2.forward(this.conv2.forward(h), ctx));
    h = this.norm3.forward(this.conv3.forward(h), ctx);
    return relu(add(h, this.shortcut ? this.shortcut.forward(x, ctx) : x));
  }
}

/** ResNet-50 and -101 as published, for classification: output stride 32. */
export const resNet = {
  r50: { depths: [3, 4, 6, 3], stem: 'v1', outputStride: 32, width: 64, block: Bottleneck },
  r101: { depths: [3, 4, 23, 3], stem: 'v1', outputStride: 32, width: 64, block: Bottleneck },
} as const satisfies Record<string, ResNetConfig>;

/**
 * ResNet without its classifier, with bottleneck blocks or others.
 *
 * [N, 3, H, W] → four maps [N, width · 2^(i + 2), H / sᵢ, W / sᵢ] with strides sᵢ of 4, 8, 16 and 32, but none above
 * the output stride.
 *
 * He et al. 2016, https://arxiv.org/abs/1512.03385. Unlike the paper: the stride is in the 3×3 convolution, as in most
 * published weights, and stages may be dilated: Chen et al. 2017, https://arxiv.org/abs/1706.05587. The first block of a
 * dilated stage has the dilation of the stage before.
 */
export class ResNet<Block extends ResidualBlock = Bottleneck> implements Backbone {
  readonly widths: Backbone['widths'];
  readonly stem: readonly ConvNorm[];
  readonly stages: readonly (readonly Block[])[];

  constructor({ depths, stem, outputStride, width, block: Block }: ResNetConfig<Block>) {
    const half = width / 2;
    this.widths = [4 * width, 8 * width, 16 * width, 32 * width];
    this.stem =
      stem === 'v1'
        ? [new ConvNorm(3, width, 7, { stride: 2, ...convInit() })]
        : [
            new ConvNorm(3, half, 3, { stride: 2, ...convInit() }),
            new ConvNorm(half, half, 3, convInit()),
            new ConvNorm(half, width, 3, convInit()),
          ];
    let [channels, reached, dilation] = [width, 4, 1];
    this.stages = depths.map((depth, i) => {
      const inner = width * 2 ** i;
      const shrinks = i > 0 && reached < outputStride;
      const before = dilation;
      if (shrinks) reached *= 2;
      else if (i > 0) dilation *= 2;
      return Array.from({ length: depth }, (_, index) => {
        const first = index === 0;
        const made = new Block(channels, inner, first && shrinks ? 2 : 1, first ? before : dilation);
        channels = inner * expansion;
        return made;
      });
    });
  }

  forward(x: Value, ctx: Context): readonly Value[] {
    let h = this.stem.reduce((y, layer) => layer.forward(y, ctx), x);
    h = maxPool2d(h, 3, { stride: 2, padding: 1 });
    return this.stages.map(stage => (h = stage.reduce((y, block) => block.forward(y, ctx), h)));
  }
}

/** The name of a part of the stages in published weights; the layers of a shortcut are counted from `first`. */
const stageName = (name: string, first: 0 | 1): string =>
  name
    .replace(/^stages\.(\d)/, (_, i: string) => `layer${Number(i) + 1}`)
    .replace('shortcut.conv', `downsample.${first}`)
    .replace('shortcut.norm', `downsample.${first + 1}`)
    .replace(/norm(\d|s\b)/, 'bn$1')
    .replace('shortcut', 'downsample');

/** The name of a part of a ResNet with stem v1 in torchvision's weights: stem.0.norm → bn1, stages.0.2.norm1 → layer1.2.bn1. */
export const resNetOfficialName = (name: string): string =>
  stageName(name.replace('stem.0.conv', 'conv1').replace('stem.0.norm', 'bn1'), 0);

/** The name of a part of a ResNet with stem v1c in OpenMMLab's weights: stem.1.norm → stem.4. */
export const resNetV1cOfficialName = (name: string): string =>
  stageName(
    name.replace(
      /^stem\.(\d)(\.conv|\.norm|)/,
      (_, i: string, part: string) => `stem.${3 * Number(i) + ['.conv', '.norm', ''].indexOf(part)}`,
    ),
    0,
  );

/** The name of a part of a ResNet-D, with stem v1c and averaged shortcuts, in timm's weights: stem.1.norm → conv1.4. */
export const resNetDOfficialName = (name: string): string =>
  stageName(
    name
      .replace('stem.2.norm', 'bn1')
      .replace(
        /^stem\.(\d)\.(conv|norm)/,
        (_, i: string, part: string) => `conv1.${3 * Number(i) + ['conv', 'norm'].indexOf(part)}`,
      ),
    1,
  );
