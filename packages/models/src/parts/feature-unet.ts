import type { Value } from '@forgelens/autograd';
import { concat, maxPool2d, resizeBilinear } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { Conv2d } from '@forgelens/nn';
import { ConvNorm } from './conv-norm.ts';
import { PixelAttention } from './map-attention.ts';

/** Two 3×3 convolutions, each with batch norm and ReLU: [N, in, H, W] → [N, out, H, W]. */
class DoubleConv implements Module {
  readonly first: ConvNorm;
  readonly second: ConvNorm;

  constructor(inChannels: number, innerChannels: number, outChannels: number) {
    this.first = new ConvNorm(inChannels, innerChannels, 3);
    this.second = new ConvNorm(innerChannels, outChannels, 3);
  }

  forward(x: Value, ctx: Context): Value {
    return this.second.forward(this.first.forward(x, ctx), ctx);
  }
}

/** Enlarges a map to its skip's size and joins both, and the skip's attended features if there are any. */
class UpStage implements Module {
  readonly assist: Conv2d | null;
  readonly block: DoubleConv;

  /** @param assistChannels - channels of the attended features after their projection; 0 for none */
  constructor(inChannels: number, assistChannels: number, outChannels: number) {
    const joined = 2 * inChannels + assistChannels;
    this.assist = assistChannels > 0 ? new Conv2d(inChannels, assistChannels, 1, { bias: false }) : null;
    this.block = new DoubleConv(joined, joined / 2, outChannels);
  }

  forward(x: Value, skip: Value, attended: Value, ctx: Context): Value {
    const enlarged = resizeBilinear(x, [skip.shape[2]!, skip.shape[3]!], true);
    const parts = this.assist ? [enlarged, skip, this.assist.forward(attended)] : [skip, enlarged];
    return this.block.forward(concat(parts, 1), ctx);
  }
}

/**
 * A small U-Net over features, with or without attention: CDFL's "attention map assisted" one attends over every
 * resolution, joins what is attended to each skip, and goes on from it at the coarsest.
 *
 * [N, C, h, w] → logits [N, 1, H, W] of the given size; C divisible by 32, h and w by 8.
 *
 * Unlike CDFL's paper, as in its code: what is joined are attended features, not attention maps.
 */
export class FeatureUNet implements Module {
  readonly down: readonly DoubleConv[];
  readonly attention: readonly PixelAttention[];
  readonly up: readonly UpStage[];
  readonly head: Conv2d;

  constructor(channels: number, { attention }: { readonly attention: boolean }) {
    const widths = [channels / 8, channels / 4, channels / 2, channels / 2];
    const assists = attention ? [channels / 8, channels / 16, channels / 16] : [0, 0, 0];
    this.down = widths.map((width, i) => new DoubleConv(widths[i - 1] ?? channels, width, width));
    this.attention = attention ? widths.map((width, i) => new PixelAttention(width, i < 2 ? 4 : 8)) : [];
    this.up = assists.map((assist, i) => new UpStage(widths[2 - i]!, assist, widths[Math.max(0, 1 - i)]!));
    this.head = new Conv2d(widths[0]!, 1, 1);
  }

  forward(x: Value, size: readonly [height: number, width: number], ctx: Context): Value {
    const maps: Value[] = [];
    for (const [i, block] of this.down.entries())
      maps.push(block.forward(i === 0 ? x : maxPool2d(maps.at(-1)!, 2), ctx));
    const attended = maps.map((map, i) => this.attention[i]?.forward(map) ?? map);
    const h = this.up.reduce((y, stage, i) => stage.forward(y, maps[2 - i]!, attended[2 - i]!, ctx), attended[3]!);
    return resizeBilinear(this.head.forward(h), size, true);
  }
}
