import type { Value } from '@forgelens/autograd';
import { abs, clamp, constant, conv2d, float32, nchw, relu, reshape, scalar, sub } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { ConvNorm } from './conv-norm.ts';

/** Side of a JPEG block, in pixels. */
const side = 8;
/** Coefficients from this size on are alike, in levels of luma. */
const largest = 32;
/** [down, across]: the first frequencies of JPEG's zigzag that are not constant. */
const frequencies: readonly (readonly [number, number])[] = [
  ...([0, 1, 2, 3, 4, 5] as const).flatMap(sum => Array.from({ length: sum + 1 }, (_, u) => [u, sum - u] as const)),
].slice(1, 17);
const lumaWeights = [0.299, 0.587, 0.114] as const;

/** Filters that take a block's cosine coefficients of luma from RGB in [0, 1]: [frequencies, 3, 8, 8]. */
const filters = constant(
  float32(
    [frequencies.length, 3, side, side],
    frequencies.flatMap(([u, v]) =>
      lumaWeights.flatMap(luma =>
        Array.from({ length: side * side }, (_, i) => {
          const wave = (k: number, at: number) =>
            Math.sqrt((k === 0 ? 1 : 2) / side) * Math.cos((Math.PI * k * (at + 0.5)) / side);
          return 255 * luma * wave(u, Math.floor(i / side)) * wave(v, i % side);
        }),
      ),
    ),
  ),
);

const levels = constant(
  float32(
    [1, 1, largest + 1, 1, 1],
    Array.from({ length: largest + 1 }, (_, i) => i),
  ),
);

/**
 * What the blocks of a JPEG tell of its history. A coefficient that was quantized twice takes other values than one that
 * was quantized once: histograms with gaps and peaks. Of each 8×8 block from the upper left corner on, the size of each
 * low-frequency coefficient says which of 33 values it is near; what follows can count them over neighbouring blocks.
 *
 * [N, 3, H, W] in [0, 1] → [N, width, H / 8, W / 8]. The picture must lie on the grid that its JPEG had.
 *
 * After the compression stream of CAT-Net, Kwon et al. 2022, https://arxiv.org/abs/2108.12947. Unlike the paper: the
 * coefficients are taken from the decoded pixels, not from the file, and are not divided by the file's table.
 */
export class BlockHistory implements Module {
  readonly embed: ConvNorm;
  readonly count: readonly ConvNorm[];

  constructor(width: number) {
    this.embed = new ConvNorm(frequencies.length * (largest + 1), width, 1);
    this.count = [new ConvNorm(width, width, 3), new ConvNorm(width, width, 3)];
  }

  forward(image: Value, ctx: Context): Value {
    const coefficients = conv2d(image, filters, { stride: side });
    const [n, c, h, w] = nchw(coefficients, 'BlockHistory');
    const sizes = reshape(clamp(abs(coefficients), 0, largest), [n, c, 1, h, w]);
    const near = relu(sub(scalar(1), abs(sub(sizes, levels))));
    const embedded = this.embed.forward(reshape(near, [n, c * (largest + 1), h, w]), ctx);
    return this.count.reduce((x, conv) => conv.forward(x, ctx), embedded);
  }
}
