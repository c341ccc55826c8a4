import type { Value } from '@forgelens/autograd';
import { adaptiveAvgPool2d, add, clamp, concat, mul, scalar } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { Conv2d, DropPath, LayerNorm, Linear } from '@forgelens/nn';
import { convInit, linearInit } from '../parts/initializers.ts';
import { PatchEmbed, attend, mapToTokens, risingRates, tokensToMap } from '../parts/tokens.ts';
import type { Backbone } from './backbone.ts';

/** One of the published sizes of P2T. Entries are per stage, finest first. */
export interface P2tConfig {
  readonly widths: readonly [number, number, number, number];
  readonly depths: readonly [number, number, number, number];
  readonly heads: readonly [number, number, number, number];
  /** Hidden channels of the feed-forward part, as a multiple of the width. */
  readonly mlpRatios: readonly [number, number, number, number];
  /** The rate of dropped residual branches in the last block; it grows linearly from 0. */
  readonly dropPath: number;
}

const shared = { heads: [1, 2, 5, 8], mlpRatios: [8, 8, 4, 4] } as const;

/** P2T-Tiny to -Large, as in the published code. */
export const p2t = {
  tiny: { ...shared, widths: [48, 96, 240, 384], depths: [2, 2, 6, 3], dropPath: 0.1 },
  small: { ...shared, widths: [64, 128, 320, 512], depths: [2, 2, 9, 3], dropPath: 0.1 },
  base: { ...shared, widths: [64, 128, 320, 512], depths: [3, 4, 18, 3], dropPath: 0.3 },
  large: { ...shared, widths: [64, 128, 320, 640], depths: [3, 8, 27, 3], dropPath: 0.3 },
} as const satisfies Record<string, P2tConfig>;

/** How much smaller than the map of their stage the pooled maps are that keys and values come from. */
const poolingRatios = [
  [12, 16, 20, 24],
  [6, 8, 10, 12],
  [3, 4, 5, 6],
  [1, 2, 3, 4],
] as const;

/** To the nearest whole number, halves to the even one, as Python rounds; at least 1. */
function pooledExtent(extent: number, ratio: number): number {
  const exact = extent / ratio;
  const rounded = exact % 1 === 0.5 ? 2 * Math.round(exact / 2) : Math.round(exact);
  return Math.max(1, rounded);
}

/** x where it is large, 0 where it is very negative: x · min(max(x + 3, 0), 6) / 6. */
const hardSwish = (x: Value): Value => mul(x, clamp(add(mul(x, scalar(1 / 6)), scalar(0.5)), 0, 1));

/** Attention whose keys and values are taken from a pyramid of pooled maps: [N, H·W, C] → the same. */
class PoolingAttention implements Module {
  readonly heads: number;
  readonly q: Linear;
  readonly kv: Linear;
  readonly proj: Linear;
  readonly norm: LayerNorm;
  readonly ratios: readonly number[];

  constructor(width: number, heads: number, ratios: readonly number[]) {
    this.heads = heads;
    this.q = new Linear(width, width, linearInit);
    this.kv = new Linear(width, 2 * width, linearInit);
    this.proj = new Linear(width, width, linearInit);
    this.norm = new LayerNorm(width);
    this.ratios = ratios;
  }

  /** @param positions - a depthwise convolution for each pooled map, which all blocks of a stage share */
  forward(x: Value, height: number, width: number, positions: readonly Conv2d[]): Value {
    const map = tokensToMap(x, height, width);
    const pyramid = this.ratios.map((ratio, i) => {
      const pooled = adaptiveAvgPool2d(map, [pooledExtent(height, ratio), pooledExtent(width, ratio)]);
      return mapToTokens(add(pooled, positions[i]!.forward(pooled)));
    });
    return attend(this, x, this.norm.forward(concat(pyramid, 1)));
  }
}

/** The feed-forward part: 1×1, depthwise 3×3 and 1×1 convolution with hard swish between. */
class InvertedBottleneck implements Module {
  readonly fc1: Conv2d;
  readonly conv: Conv2d;
  readonly fc2: Conv2d;

  constructor(width: number, hidden: number) {
    this.fc1 = new Conv2d(width, hidden, 1, convInit());
    this.conv = new Conv2d(hidden, hidden, 3, { padding: 1, groups: hidden, ...convInit(hidden) });
    this.fc2 = new Conv2d(hidden, width, 1, convInit());
  }

  forward(x: Value, height: number, width: number): Value {
    const h = hardSwish(this.fc1.forward(tokensToMap(x, height, width)));
    return mapToTokens(this.fc2.forward(hardSwish(this.conv.forward(h))));
  }
}

/** Attention and feed-forward, each behind a layer norm and around a residual: [N, H·W, C] → the same. */
class Block implements Module {
  readonly norm1: LayerNorm;
  readonly attn: PoolingAttention;
  readonly norm2: LayerNorm;
  readonly mlp: InvertedBottleneck;
  readonly dropPath: DropPath;

  constructor(width: number, heads: number, mlpRatio: number, ratios: readonly number[], dropPath: number) {
    this.norm1 = new LayerNorm(width, { eps: 1e-6 });
    this.attn = new PoolingAttention(width, heads, ratios);
    this.norm2 = new LayerNorm(width, { eps: 1e-6 });
    this.mlp = new InvertedBottleneck(width, width * mlpRatio);
    this.dropPath = new DropPath(dropPath);
  }

  forward(x: Value, height: number, width: number, positions: readonly Conv2d[], ctx: Context): Value {
    const pooled = this.attn.forward(this.norm1.forward(x), height, width, positions);
    const attended = add(x, this.dropPath.forward(pooled, ctx));
    return add(attended, this.dropPath.forward(this.mlp.forward(this.norm2.forward(attended), height, width), ctx));
  }
}

class Stage implements Module {
  readonly patchEmbed: PatchEmbed;
  readonly positions: readonly Conv2d[];
  readonly block: readonly Block[];

  constructor(patchEmbed: PatchEmbed, width: number, blocks: readonly Block[]) {
    this.patchEmbed = patchEmbed;
    this.positions = blocks[0]!.attn.ratios.map(
      () => new Conv2d(width, width, 3, { padding: 1, groups: width, ...convInit(width) }),
    );
    this.block = blocks;
  }

  forward(x: Value, ctx: Context): Value {
    const { tokens, height, width } = this.patchEmbed.forward(x);
    const h = this.block.reduce((y, block) => block.forward(y, height, width, this.positions, ctx), tokens);
    return tokensToMap(h, height, width);
  }
}

/**
 * P2T, pyramid pooling transformer: keys and values come from averages over a map at four coarse sizes together.
 *
 * [N, 3, H, W], normalized → four maps [N, widths[i], H / 2^(i+2), W / 2^(i+2)]; H and W divisible by 32.
 *
 * Wu et al. 2022, https://arxiv.org/abs/2106.12011. Unlike the published code: convolutions start as PVT-v2's do, and a
 * map that is smaller than its pooling window is pooled to one pixel, where the code fails.
 */
export class P2t implements Backbone {
  readonly widths: P2tConfig['widths'];
  readonly stages: readonly Stage[];

  constructor({ widths, depths, heads, mlpRatios, dropPath }: P2tConfig) {
    this.widths = widths;
    this.stages = risingRates(depths, dropPath).map((rates, i) => {
      const width = widths[i]!;
      const patchEmbed = i === 0 ? new PatchEmbed(3, width, 7, 4) : new PatchEmbed(widths[i - 1]!, width, 3, 2);
      const blocks = rates.map(rate => new Block(width, heads[i]!, mlpRatios[i]!, poolingRatios[i]!, rate));
      return new Stage(patchEmbed, width, blocks);
    });
  }

  forward(x: Value, ctx: Context): readonly Value[] {
    const maps: Value[] = [];
    for (const stage of this.stages) maps.push(stage.forward(maps.at(-1) ?? x, ctx));
    return maps;
  }
}

/** The name of a part of P2T in the published weights: stages.0.block.1.attn.q → block1.1.attn.q.0. */
export const p2tOfficialName = (name: string): string =>
  name
    .replace(/^stages\.(\d)\.patchEmbed/, (_, i: string) => `patch_embed${Number(i) + 1}`)
    .replace(/^stages\.(\d)\.positions/, (_, i: string) => `d_convs${Number(i) + 1}`)
    .replace(/^stages\.(\d)\.block/, (_, i: string) => `block${Number(i) + 1}`)
    .replace(/attn\.(q|kv)\b/, 'attn.$1.0')
    .replace('dropPath', 'drop_path');
