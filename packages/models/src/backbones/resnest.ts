import type { Value } from '@forgelens/autograd';
import { add, avgPool2d, mul, reduceMean, relu, reshape, softmax, split } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d } from '@forgelens/nn';
import { convInit } from '../parts/initializers.ts';
import type { ResNetConfig, ResidualBlock } from './resnet.ts';
import { Shortcut, expansion } from './resnet.ts';

/** Convolutions that a split attention chooses from. */
const radix = 2;

/** Two 3×3 convolutions of a half of the channels each, mixed channel by channel by what the whole map looks like. */
class SplitAttention implements Module {
  readonly conv: Conv2d;
  readonly norm0: BatchNorm2d;
  readonly fc1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly fc2: Conv2d;

  constructor(channels: number, dilation: number) {
    const hidden = Math.max((channels * radix) / 4, 32);
    const grouped = { padding: dilation, dilation, groups: radix, bias: false, ...convInit() };
    this.conv = new Conv2d(channels, channels * radix, 3, grouped);
    this.norm0 = new BatchNorm2d(channels * radix);
    this.fc1 = new Conv2d(channels, hidden, 1, convInit());
    this.norm1 = new BatchNorm2d(hidden);
    this.fc2 = new Conv2d(hidden, channels * radix, 1, convInit());
  }

  forward(x: Value, ctx: Context): Value {
    const [n, channels] = x.shape as readonly [number, number];
    const maps = split(relu(this.norm0.forward(this.conv.forward(x), ctx)), 1, Array<number>(radix).fill(channels));
    const mean = reduceMean(maps.reduce(add), [2, 3], { keepDims: true });
    const logits = this.fc2.forward(relu(this.norm1.forward(this.fc1.forward(mean), ctx)));
    const shares = softmax(reshape(logits, [n, radix, channels, 1, 1]), 1);
    const weights = split(shares, 1, Array<number>(radix).fill(1));
    return maps.map((map, i) => mul(map, reshape(weights[i]!, [n, channels, 1, 1]))).reduce(add);
  }
}

/**
 * A bottleneck around a split attention. What changes size or is dilated is averaged behind it, 3×3.
 *
 * Zhang et al. 2020, https://arxiv.org/abs/2004.08955.
 */
export class ResNeStBlock implements ResidualBlock {
  readonly conv1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly conv2: SplitAttention;
  readonly conv3: Conv2d;
  readonly norm3: BatchNorm2d;
  readonly shortcut: Shortcut | null;
  readonly stride: number;
  readonly averages: boolean;

  constructor(inChannels: number, width: number, stride: number, dilation: number) {
    const outChannels = width * expansion;
    this.conv1 = new Conv2d(inChannels, width, 1, { bias: false, ...convInit() });
    this.norm1 = new BatchNorm2d(width);
    this.conv2 = new SplitAttention(width, dilation);
    this.conv3 = new Conv2d(width, outChannels, 1, { bias: false, ...convInit() });
    this.norm3 = new BatchNorm2d(outChannels);
    this.shortcut =
      inChannels === outChannels ? null : new Shortcut(inChannels, outChannels, stride, { averaged: true });
    this.stride = stride;
    this.averages = stride > 1 || dilation > 1;
  }

  forward(x: Value, ctx: Context): Value {
    const attended = this.conv2.forward(relu(this.norm1.forward(this.conv1.forward(x), ctx)), ctx);
    const h = this.averages ? avgPool2d(attended, 3, { stride: this.stride, padding: 1 }) : attended;
    const expanded = this.norm3.forward(this.conv3.forward(h), ctx);
    return relu(add(expanded, this.shortcut?.forward(x, ctx) ?? x));
  }
}

/** ResNeSt-50 2s1x64d, with the stem and the averaged shortcuts of ResNet-D. */
export const resNeSt = {
  r50: { depths: [3, 4, 6, 3], stem: 'v1c', outputStride: 32, width: 64, block: ResNeStBlock },
} as const satisfies Record<string, ResNetConfig<ResNeStBlock>>;
