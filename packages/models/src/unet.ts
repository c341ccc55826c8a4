import type { Value } from '@forgelens/autograd';
import { ShapeError, maxPool2d, nchw, relu, resizeNearest } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d, bceWithLogits } from '@forgelens/nn';
import type { LocalizerNetwork, LocalizerOutput, ModelDefinition } from './network.ts';

export interface UNetConfig {
  /** Channels per resolution, finest first; each further entry halves height and width. */
  readonly widths: readonly number[];
}

/** Two 3×3 convolutions, each with batch norm and ReLU: [N, in, H, W] → [N, out, H, W]. */
class DoubleConv implements Module {
  readonly conv1: Conv2d;
  readonly norm1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly norm2: BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false });
    this.norm1 = new BatchNorm2d(outChannels);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1, bias: false });
    this.norm2 = new BatchNorm2d(outChannels);
  }

  /** @param x - several stand for their concatenation */
  forward(x: Value | readonly Value[], ctx: Context): Value {
    const h = relu(this.norm1.forward(this.conv1.forward(x), ctx));
    return relu(this.norm2.forward(this.conv2.forward(h), ctx));
  }
}

/**
 * U-Net: an encoder, a decoder, and a skip connection at each resolution.
 *
 * [N, 3, H, W] in [0, 1] → logits [N, 1, H, W]; H and W divisible by 2^(widths.length − 1).
 *
 * Ronneberger, Fischer and Brox 2015, https://arxiv.org/abs/1505.04597. Unlike the paper: convolutions are padded, so
 * the mask has the size of the image; batch norm follows each convolution; upsampling is nearest-neighbour.
 */
export class UNet implements LocalizerNetwork {
  readonly encoder: readonly DoubleConv[];
  readonly decoder: readonly DoubleConv[];
  readonly head: Conv2d;

  constructor({ widths }: UNetConfig = { widths: [64, 128, 256, 512] }) {
    const inputs = [3, ...widths.slice(0, -1)];
    this.encoder = widths.map((width, i) => new DoubleConv(inputs[i]!, width));
    this.decoder = widths.slice(0, -1).map((width, i) => new DoubleConv(widths[i + 1]! + width, width));
    this.head = new Conv2d(widths[0]!, 1, 1);
  }

  forward(image: Value, ctx: Context): LocalizerOutput {
    const [, , height, width] = nchw(image, 'UNet image');
    const factor = 2 ** (this.encoder.length - 1);
    if (height % factor !== 0 || width % factor !== 0)
      throw new ShapeError(
        'UNet',
        `height and width must be divisible by ${factor}, got ${height}×${width}; pad the image first`,
      );

    const skips: Value[] = [];
    let h = image;
    for (const [i, block] of this.encoder.entries()) {
      h = block.forward(i === 0 ? h : maxPool2d(h, 2), ctx);
      skips.push(h);
    }
    for (const [i, block] of [...this.decoder.entries()].reverse()) {
      const skip = skips[i]!;
      const up = resizeNearest(h, [skip.shape[2]!, skip.shape[3]!]);
      h = block.forward([up, skip], ctx);
    }
    return { logits: this.head.forward(h) };
  }

  loss({ logits }: LocalizerOutput, mask: Value): Value {
    return bceWithLogits(logits, mask);
  }
}

export const unet: ModelDefinition = {
  id: 'unet',
  title: 'U-Net, four resolutions',
  source: 'Ronneberger, Fischer and Brox 2015, https://arxiv.org/abs/1505.04597',
  sizePolicy: { kind: 'native', multiple: 8 },
  limitations: ['A plain baseline: it has no part made for forgery traces.'],
  create: () => new UNet(),
};
