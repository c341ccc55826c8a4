import type { Value } from '@forgelens/autograd';
import { add, conv2d, gelu, reshape } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { Conv2d, DropPath, LayerNorm, Linear } from '@forgelens/nn';
import { convInit, linearInit } from '../parts/initializers.ts';
import { PatchEmbed, attend, mapToTokens, risingRates, tokensToMap } from '../parts/tokens.ts';
import type { Backbone } from './backbone.ts';

/** One of the published sizes of PVT-v2. Entries are per stage, finest first. */
export interface PvtV2Config {
  readonly widths: readonly [number, number, number, number];
  readonly depths: readonly [number, number, number, number];
  readonly heads: readonly [number, number, number, number];
  /** Hidden channels of the feed-forward part, as a multiple of the width. */
  readonly mlpRatios: readonly [number, number, number, number];
  /** By how much keys and values are reduced in height and in width. */
  readonly reductions: readonly [number, number, number, number];
  /** The rate of dropped residual branches in the last block; it grows linearly from 0. */
  readonly dropPath: number;
}

const shared = { heads: [1, 2, 5, 8], mlpRatios: [8, 8, 4, 4], reductions: [8, 4, 2, 1], dropPath: 0.1 } as const;

/** PVT-v2 B0 to B5, as in Table 1 of the paper. */
export const pvtV2 = {
  b0: { ...shared, widths: [32, 64, 160, 256], depths: [2, 2, 2, 2] },
  b1: { ...shared, widths: [64, 128, 320, 512], depths: [2, 2, 2, 2] },
  b2: { ...shared, widths: [64, 128, 320, 512], depths: [3, 4, 6, 3] },
  b3: { ...shared, widths: [64, 128, 320, 512], depths: [3, 4, 18, 3] },
  b4: { ...shared, widths: [64, 128, 320, 512], depths: [3, 8, 27, 3] },
  b5: { ...shared, widths: [64, 128, 320, 512], depths: [3, 6, 40, 3], mlpRatios: [4, 4, 4, 4] },
} as const satisfies Record<string, PvtV2Config>;

/**
 * Attention whose keys and values are taken from a map reduced by a strided convolution: [N, H·W, C] → the same.
 * The cost is H·W · H·W / reduction² instead of (H·W)².
 */
class SpatialReductionAttention implements Module {
  readonly heads: number;
  readonly q: Linear;
  readonly kv: Linear;
  readonly proj: Linear;
  readonly sr: Conv2d | null;
  readonly norm: LayerNorm | null;

  constructor(width: number, heads: number, reduction: number, bias: boolean) {
    this.heads = heads;
    this.q = new Linear(width, width, { bias, ...linearInit });
    this.kv = new Linear(width, 2 * width, { bias, ...linearInit });
    this.proj = new Linear(width, width, linearInit);
    this.sr = reduction > 1 ? new Conv2d(width, width, reduction, { stride: reduction, ...convInit() }) : null;
    this.norm = reduction > 1 ? new LayerNorm(width) : null;
  }

  forward(x: Value, height: number, width: number): Value {
    if (!this.sr || !this.norm) return attend(this, x, x);
    return attend(this, x, this.norm.forward(mapToTokens(this.sr.forward(tokensToMap(x, height, width)))));
  }
}

/**
 * The feed-forward part: a linear layer, a depthwise 3×3 convolution that also gives positions, GELU, a linear layer.
 * It computes on maps: both linear layers are 1×1 convolutions there, and only the narrow ends are transposed.
 */
class ConvMlp implements Module {
  readonly fc1: Linear;
  readonly dwconv: Conv2d;
  readonly fc2: Linear;

  constructor(width: number, hidden: number) {
    this.fc1 = new Linear(width, hidden, linearInit);
    this.dwconv = new Conv2d(hidden, hidden, 3, { padding: 1, groups: hidden, ...convInit(hidden) });
    this.fc2 = new Linear(hidden, width, linearInit);
  }

  forward(x: Value, height: number, width: number): Value {
    const h = gelu(this.dwconv.forward(pointwise(tokensToMap(x, height, width), this.fc1)));
    return mapToTokens(pointwise(h, this.fc2));
  }
}

/** A linear layer over the channels of a map. */
const pointwise = (map: Value, { weight, bias }: Linear): Value =>
  conv2d(map, reshape(weight, [...weight.shape, 1, 1]), {}, bias ?? undefined);

export interface PvtBlockConfig {
  readonly heads: number;
  readonly mlpRatio: number;
  readonly reduction: number;
  readonly dropPath?: number;
  /** Whether queries, keys and values have biases. */
  readonly qkvBias?: boolean;
  readonly eps?: number;
}

/** Attention and feed-forward, each behind a layer norm and around a residual: [N, H·W, C] → the same. */
export class PvtBlock implements Module {
  readonly norm1: LayerNorm;
  readonly attn: SpatialReductionAttention;
  readonly norm2: LayerNorm;
  readonly mlp: ConvMlp;
  readonly dropPath: DropPath;

  constructor(width: number, { heads, mlpRatio, reduction, dropPath = 0, qkvBias = true, eps = 1e-6 }: PvtBlockConfig) {
    this.norm1 = new LayerNorm(width, { eps });
    this.attn = new SpatialReductionAttention(width, heads, reduction, qkvBias);
    this.norm2 = new LayerNorm(width, { eps });
    this.mlp = new ConvMlp(width, width * mlpRatio);
    this.dropPath = new DropPath(dropPath);
  }

  forward(x: Value, height: number, width: number, ctx: Context): Value {
    const attended = add(x, this.dropPath.forward(this.attn.forward(this.norm1.forward(x), height, width), ctx));
    return add(attended, this.dropPath.forward(this.mlp.forward(this.norm2.forward(attended), height, width), ctx));
  }
}

class Stage implements Module {
  readonly patchEmbed: PatchEmbed;
  readonly block: readonly PvtBlock[];
  readonly norm: LayerNorm;

  constructor(inChannels: number, first: boolean, width: number, blocks: readonly PvtBlockConfig[]) {
    this.patchEmbed = first ? new PatchEmbed(inChannels, width, 7, 4) : new PatchEmbed(inChannels, width, 3, 2);
    this.block = blocks.map(block => new PvtBlock(width, block));
    this.norm = new LayerNorm(width, { eps: 1e-6 });
  }

  forward(x: Value, ctx: Context): Value {
    const { tokens, height, width } = this.patchEmbed.forward(x);
    const h = this.block.reduce((y, block) => block.forward(y, height, width, ctx), tokens);
    return tokensToMap(this.norm.forward(h), height, width);
  }
}

/**
 * PVT-v2: a pyramid vision transformer with overlapping patches and convolutional feed-forward parts.
 *
 * [N, 3, H, W], normalized → four maps [N, widths[i], H / 2^(i+2), W / 2^(i+2)]; H and W divisible by 32.
 *
 * Wang et al. 2022, https://arxiv.org/abs/2106.13797. Sizes as published; no position embedding and no classifier.
 */
export class PvtV2 implements Backbone {
  readonly widths: PvtV2Config['widths'];
  readonly stages: readonly Stage[];

  constructor({ widths, depths, heads, mlpRatios, reductions, dropPath }: PvtV2Config) {
    this.widths = widths;
    this.stages = risingRates(depths, dropPath).map((rates, i) => {
      const width = widths[i]!;
      const blocks = rates.map(rate => ({
        heads: heads[i]!,
        mlpRatio: mlpRatios[i]!,
        reduction: reductions[i]!,
        dropPath: rate,
      }));
      return new Stage(i === 0 ? 3 : widths[i - 1]!, i === 0, width, blocks);
    });
  }

  forward(x: Value, ctx: Context): readonly Value[] {
    const maps: Value[] = [];
    for (const stage of this.stages) maps.push(stage.forward(maps.at(-1) ?? x, ctx));
    return maps;
  }
}

/** The name of a part of PvtV2 in the official checkpoints: stages.0.block.1.attn.q → block1.1.attn.q. */
export const pvtV2OfficialName = (name: string): string =>
  name
    .replace(/^stages\.(\d)\.patchEmbed/, (_, i: string) => `patch_embed${Number(i) + 1}`)
    .replace(/^stages\.(\d)\.(block|norm)/, (_, i: string, part: string) => `${part}${Number(i) + 1}`)
    .replace('mlp.dwconv', 'mlp.dwconv.dwconv')
    .replace('dropPath', 'drop_path');
