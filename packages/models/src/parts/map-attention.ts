import type { Value } from '@forgelens/autograd';
import { add, attention, mul, nchw, reshape, scalar, split, sub, transposeLast } from '@forgelens/autograd';
import type { Module } from '@forgelens/nn';
import { Conv2d } from '@forgelens/nn';

/** Channels of a map as heads of tokens: [N, C, H, W] → [N, heads, H·W, C / heads]. */
function tokensByHead(map: Value, heads: number): Value {
  const [n, c, h, w] = nchw(map, 'attention over a map');
  return transposeLast(reshape(map, [n, heads, c / heads, h * w]));
}

/** The reverse of tokensByHead, for a map of the size of `like`. */
const mapOfHeads = (tokens: Value, like: Value): Value => reshape(transposeLast(tokens), like.shape);

const pointwise = (inChannels: number, outChannels: number): Conv2d =>
  new Conv2d(inChannels, outChannels, 1, { bias: false });

/**
 * The difference of two attentions over all pixels of a map, projected and added to it: what both agree on cancels.
 * [N, C, H, W] → the same; C divisible by `heads`.
 *
 * After Ye et al. 2024, https://arxiv.org/abs/2410.05258. Unlike the paper: the second attention is not weighted by a
 * learned λ, and heads are not normalized.
 */
export class DifferenceAttention implements Module {
  readonly q1: Conv2d;
  readonly k1: Conv2d;
  readonly q2: Conv2d;
  readonly k2: Conv2d;
  readonly v: Conv2d;
  readonly project: Conv2d;
  readonly heads: number;

  constructor(channels: number, heads: number) {
    this.heads = heads;
    this.q1 = pointwise(channels, channels);
    this.k1 = pointwise(channels, channels);
    this.q2 = pointwise(channels, channels);
    this.k2 = pointwise(channels, channels);
    this.v = pointwise(channels, channels);
    this.project = new Conv2d(channels, channels, 1);
  }

  forward(x: Value): Value {
    const byHead = (layer: Conv2d) => tokensByHead(layer.forward(x), this.heads);
    const scale = scalar((x.shape[1]! / this.heads) ** -0.5);
    const v = byHead(this.v);
    const first = attention(mul(byHead(this.q1), scale), byHead(this.k1), v);
    const second = attention(mul(byHead(this.q2), scale), byHead(this.k2), v);
    return add(this.project.forward(mapOfHeads(sub(first, second), x)), x);
  }
}

/** Attention over all pixels of a map, projected and added to it: [N, C, H, W] → the same; C divisible by `heads`. */
export class PixelAttention implements Module {
  readonly qkv: Conv2d;
  readonly project: Conv2d;
  readonly heads: number;

  constructor(channels: number, heads: number) {
    this.heads = heads;
    this.qkv = pointwise(channels, 3 * channels);
    this.project = pointwise(channels, channels);
  }

  forward(x: Value): Value {
    const channels = x.shape[1]!;
    const parts = split(this.qkv.forward(x), 1, [channels, channels, channels]);
    const [q, k, v] = parts.map(part => tokensByHead(part, this.heads)) as [Value, Value, Value];
    const attended = attention(mul(q, scalar((channels / this.heads) ** -0.5)), k, v);
    return add(this.project.forward(mapOfHeads(attended, x)), x);
  }
}
