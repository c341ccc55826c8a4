import type { Value } from '@forgelens/autograd';
import { attention, mul, nchw, reshape, scalar, split, transpose, transposeLast } from '@forgelens/autograd';
import type { Linear, Module } from '@forgelens/nn';
import { Conv2d, LayerNorm } from '@forgelens/nn';
import { convInit } from './initializers.ts';

/** [N, H·W, C] → [N, C, H, W] */
export const tokensToMap = (tokens: Value, height: number, width: number): Value =>
  reshape(transposeLast(tokens), [tokens.shape[0]!, tokens.shape[2]!, height, width]);

/** [N, C, H, W] → [N, H·W, C] */
export const mapToTokens = (map: Value): Value =>
  transposeLast(reshape(map, [map.shape[0]!, map.shape[1]!, map.shape[2]! * map.shape[3]!]));

/** A convolution that makes tokens of overlapping patches, and a layer norm: [N, in, H, W] → [N, h·w, out]. */
export class PatchEmbed implements Module {
  readonly proj: Conv2d;
  readonly norm: LayerNorm;

  constructor(inChannels: number, width: number, kernelSize: number, stride: number) {
    this.proj = new Conv2d(inChannels, width, kernelSize, {
      stride,
      padding: Math.floor(kernelSize / 2),
      ...convInit(),
    });
    this.norm = new LayerNorm(width);
  }

  /** The tokens, and the height and width of the map they come from. */
  forward(x: Value): { readonly tokens: Value; readonly height: number; readonly width: number } {
    const map = this.proj.forward(x);
    const [, , height, width] = nchw(map, 'PatchEmbed');
    return { tokens: this.norm.forward(mapToTokens(map)), height, width };
  }
}

/** The layers of an attention whose keys and values may be of other tokens than its queries. */
export interface AttentionLayers {
  readonly heads: number;
  readonly q: Linear;
  readonly kv: Linear;
  readonly proj: Linear;
}

/** Attention of tokens to others, and its projection: [N, L, C] and [N, M, C] → [N, L, C]. */
export function attend({ heads, q, kv, proj }: AttentionLayers, x: Value, others: Value): Value {
  const channels = x.shape[2]!;
  // [N, L, C] → [N, heads, L, C / heads]
  const byHead = (tokens: Value): Value =>
    transpose(reshape(tokens, [tokens.shape[0]!, tokens.shape[1]!, heads, channels / heads]), [0, 2, 1, 3]);
  const [keys, values] = split(kv.forward(others), 2, [channels, channels]);
  const queries = mul(q.forward(x), scalar((channels / heads) ** -0.5));
  const attended = attention(byHead(queries), byHead(keys!), byHead(values!));
  return proj.forward(reshape(transpose(attended, [0, 2, 1, 3]), x.shape));
}

/** The rate of dropped paths of each block of each stage: it rises evenly with depth, from 0 to the highest. */
export function risingRates(depths: readonly number[], highest: number): readonly (readonly number[])[] {
  const last = depths.reduce((a, b) => a + b, 0) - 1;
  let block = 0;
  return depths.map(depth => Array.from({ length: depth }, () => (highest * block++) / Math.max(1, last)));
}
