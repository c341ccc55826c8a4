import type { Conv2dAttrs, Value } from '@forgelens/autograd';
import {
  add,
  batchNorm,
  cast,
  conv2d,
  convTranspose2d,
  groupNorm,
  layerNorm,
  less,
  linear,
  mul,
  normalizeChannels,
  scalar,
} from '@forgelens/autograd';
import type { Initializer } from './initializers.ts';
import { ones, uniformFanIn, uniformWithin, zeros } from './initializers.ts';
import type { Context, Module } from './module.ts';
import { Parameter } from './module.ts';

interface WithBias {
  /** Whether the layer adds a learned bias; true by default. */
  readonly bias?: boolean;
  /** PyTorch's default when absent: uniform within ±1/√fan-in. */
  readonly initializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

export interface Conv2dConfig extends Partial<Conv2dAttrs>, WithBias {}

/**
 * A 2-D convolution with square kernel: [N, in, H, W] → [N, out, oH, oW]. Several inputs stand for their concatenation
 * along the channels, which is never made.
 */
export class Conv2d implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly attrs: Partial<Conv2dAttrs>;

  constructor(inChannels: number, outChannels: number, kernelSize: number, config: Conv2dConfig = {}) {
    const { bias = true, initializer = uniformFanIn, biasInitializer, ...attrs } = config;
    const perGroup = inChannels / (attrs.groups ?? 1);
    this.weight = new Parameter([outChannels, perGroup, kernelSize, kernelSize], initializer);
    const limit = 1 / Math.sqrt(perGroup * kernelSize ** 2);
    this.bias = bias ? new Parameter([outChannels], biasInitializer ?? uniformWithin(limit)) : null;
    this.attrs = attrs;
  }

  forward(x: Value | readonly Value[]): Value {
    return conv2d(x, this.weight, this.attrs, this.bias ?? undefined);
  }
}

/** A transposed 2-D convolution with square kernel, which enlarges: [N, in, H, W] → [N, out, stride·H.., stride·W..]. */
export class ConvTranspose2d implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly attrs: Partial<Conv2dAttrs>;

  constructor(inChannels: number, outChannels: number, kernelSize: number, config: Conv2dConfig = {}) {
    const { bias = true, initializer = uniformFanIn, biasInitializer, ...attrs } = config;
    const perGroup = outChannels / (attrs.groups ?? 1);
    this.weight = new Parameter([inChannels, perGroup, kernelSize, kernelSize], initializer);
    const limit = 1 / Math.sqrt(perGroup * kernelSize ** 2);
    this.bias = bias ? new Parameter([outChannels], biasInitializer ?? uniformWithin(limit)) : null;
    this.attrs = attrs;
  }

  forward(x: Value): Value {
    return convTranspose2d(x, this.weight, this.attrs, this.bias ?? undefined);
  }
}

/** x · weightᵀ + bias on the last axis: [.., in] → [.., out]. */
export class Linear implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, config: WithBias = {}) {
    const { bias = true, initializer = uniformFanIn, biasInitializer } = config;
    this.weight = new Parameter([outFeatures, inFeatures], initializer);
    this.bias = bias ? new Parameter([outFeatures], biasInitializer ?? uniformWithin(1 / Math.sqrt(inFeatures))) : null;
  }

  forward(x: Value): Value {
    return linear(x, this.weight, this.bias ?? undefined);
  }
}

/**
 * Batch normalization of channels: [N, C, H, W] → the same. In training it uses the batch's statistics and moves the
 * running ones towards them (the variance unbiased, as PyTorch does); in evaluation it uses the running ones.
 */
export class BatchNorm2d implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly runningMean: Parameter;
  readonly runningVar: Parameter;
  readonly eps: number;
  readonly momentum: number;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 } = {}) {
    this.weight = new Parameter([channels], ones);
    this.bias = new Parameter([channels], zeros);
    this.runningMean = new Parameter([channels], zeros, 'buffer');
    this.runningVar = new Parameter([channels], ones, 'buffer');
    this.eps = eps;
    this.momentum = momentum;
  }

  forward(x: Value, ctx: Context): Value {
    const { weight, bias, runningMean, runningVar, eps, momentum } = this;
    if (!ctx.training) return normalizeChannels(x, weight, bias, runningMean, runningVar, eps);
    const [y, mean, variance] = batchNorm(x, weight, bias, eps);
    const count = x.shape[0]! * x.shape[2]! * x.shape[3]!;
    const move = (running: Parameter, batch: Value, factor: number) => {
      // A layer that a pass uses twice moves on from where the first use has moved it.
      const before = ctx.updates.get(running) ?? running;
      ctx.update(running, add(mul(before, scalar(1 - momentum)), mul(batch, scalar(momentum * factor))));
    };
    move(runningMean, mean, 1);
    move(runningVar, variance, count / Math.max(1, count - 1));
    return y;
  }
}

/** Layer normalization over the last axis, [.., C]. */
export class LayerNorm implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly eps: number;

  constructor(features: number, { eps = 1e-5 } = {}) {
    this.weight = new Parameter([features], ones);
    this.bias = new Parameter([features], zeros);
    this.eps = eps;
  }

  forward(x: Value): Value {
    return layerNorm(x, this.weight, this.bias, this.eps);
  }
}

/** Group normalization of channels: [N, C, ..] → the same. */
export class GroupNorm implements Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly groups: number;
  readonly eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 } = {}) {
    this.weight = new Parameter([channels], ones);
    this.bias = new Parameter([channels], zeros);
    this.groups = groups;
    this.eps = eps;
  }

  forward(x: Value): Value {
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps);
  }
}

/** x where a uniform number reaches `rate`, scaled by 1/(1 − rate); the numbers have `shape`, which broadcasts. */
function dropped(x: Value, rate: number, shape: readonly number[], ctx: Context): Value {
  if (!ctx.training || rate === 0) return x;
  const kept = less(ctx.uniform(shape), scalar(1 - rate));
  return mul(x, mul(cast(kept, 'float32'), scalar(1 / (1 - rate))));
}

/** Sets each element to zero with probability `rate` in training. Srivastava et al. 2014. */
export class Dropout implements Module {
  readonly rate: number;
  constructor(rate: number) {
    this.rate = rate;
  }
  forward(x: Value, ctx: Context): Value {
    return dropped(x, this.rate, x.shape, ctx);
  }
}

/** Sets a whole residual branch of an image to zero with probability `rate` in training. Huang et al. 2016. */
export class DropPath implements Module {
  readonly rate: number;
  constructor(rate: number) {
    this.rate = rate;
  }
  forward(x: Value, ctx: Context): Value {
    return dropped(x, this.rate, [x.shape[0]!, ...Array<number>(x.rank - 1).fill(1)], ctx);
  }
}
