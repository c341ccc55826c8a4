import type { Value } from '@forgelens/autograd';
import { relu } from '@forgelens/autograd';
import type { Context, Conv2dConfig, Module } from '@forgelens/nn';
import { BatchNorm2d, Conv2d } from '@forgelens/nn';

/** A convolution that keeps the size unless told otherwise, batch norm and ReLU: [N, in, H, W] → [N, out, H, W]. */
export class ConvNorm implements Module {
  readonly conv: Conv2d;
  readonly norm: BatchNorm2d;

  constructor(inChannels: number, outChannels: number, kernelSize: number, config: Conv2dConfig = {}) {
    this.conv = new Conv2d(inChannels, outChannels, kernelSize, {
      padding: Math.floor(kernelSize / 2),
      bias: false,
      ...config,
    });
    this.norm = new BatchNorm2d(outChannels);
  }

  forward(x: Value, ctx: Context): Value {
    return relu(this.norm.forward(this.conv.forward(x), ctx));
  }
}
