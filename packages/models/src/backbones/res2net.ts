import type { Value } from '@forgelens/autograd';
import { add, avgPool2d, concat, relu, split } from '@forgelens/autograd';
import type { Context } from '@forgelens/nn';
import { BatchNorm2d, Conv2d } from '@forgelens/nn';
import { convInit } from '../parts/initializers.ts';
import type { ResNetConfig, ResidualBlock } from './resnet.ts';
import { Shortcut, expansion } from './resnet.ts';

/** "26w 4s": a block of width 64 has four groups of 26 channels, and wider blocks more in proportion. */
const [groups, groupWidth] = [4, 26];

/**
 * A bottleneck whose 3×3 convolution is several narrow ones, each of which sees what the one before it made: channels
 * are cut in four groups; the last one is passed on as it is. The first block of a stage does not chain them.
 *
 * Gao et al. 2019, https://arxiv.org/abs/1904.01169.
 */
export class Res2NetBlock implements ResidualBlock {
  readonly conv1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly convs: readonly Conv2d[];
  readonly norms: readonly BatchNorm2d[];
  readonly conv3: Conv2d;
  readonly norm3: BatchNorm2d;
  readonly shortcut: Shortcut | null;
  readonly stride: number;

  constructor(inChannels: number, width: number, stride: number, dilation: number) {
    const narrow = Math.floor((width * groupWidth) / 64);
    const outChannels = width * expansion;
    const narrowConv = { stride, padding: dilation, dilation, bias: false, ...convInit() };
    this.conv1 = new Conv2d(inChannels, narrow * groups, 1, { bias: false, ...convInit() });
    this.norm1 = new BatchNorm2d(narrow * groups);
    this.convs = Array.from({ length: groups - 1 }, () => new Conv2d(narrow, narrow, 3, narrowConv));
    this.norms = this.convs.map(() => new BatchNorm2d(narrow));
    this.conv3 = new Conv2d(narrow * groups, outChannels, 1, { bias: false, ...convInit() });
    this.norm3 = new BatchNorm2d(outChannels);
    this.shortcut =
      inChannels === outChannels ? null : new Shortcut(inChannels, outChannels, stride, { averaged: true });
    this.stride = stride;
  }

  forward(x: Value, ctx: Context): Value {
    const h = relu(this.norm1.forward(this.conv1.forward(x), ctx));
    const narrow = h.shape[1]! / groups;
    const parts = split(h, 1, Array<number>(groups).fill(narrow));
    const made: Value[] = [];
    for (const [i, conv] of this.convs.entries()) {
      const before = this.shortcut ? undefined : made.at(-1);
      const seen = before ? add(before, parts[i]!) : parts[i]!;
      made.push(relu(this.norms[i]!.forward(conv.forward(seen), ctx)));
    }
    const last = parts.at(-1)!;
    made.push(this.shortcut ? avgPool2d(last, 3, { stride: this.stride, padding: 1 }) : last);
    const joined = this.norm3.forward(this.conv3.forward(concat(made, 1)), ctx);
    return relu(add(joined, this.shortcut?.forward(x, ctx) ?? x));
  }
}

const v1b = { stem: 'v1c', outputStride: 32, width: 64, block: Res2NetBlock } as const;

/** Res2Net-50 and -101 v1b 26w 4s: with the stem and the averaged shortcuts of ResNet-D. */
export const res2Net = {
  r50: { ...v1b, depths: [3, 4, 6, 3] },
  r101: { ...v1b, depths: [3, 4, 23, 3] },
} as const satisfies Record<string, ResNetConfig<Res2NetBlock>>;
