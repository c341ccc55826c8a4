import type { Random, Shape, Tensor } from '@forgelens/autograd';
import { Tensor as HostTensor } from '@forgelens/autograd';

/** Makes the first value of a parameter. */
export type Initializer = (shape: Shape, random: Random) => Tensor<'float32'>;

const filled =
  (value: (random: Random, shape: Shape) => () => number): Initializer =>
  (shape, random) => {
    const tensor = new HostTensor('float32', shape);
    const next = value(random, shape);
    for (let i = 0; i < tensor.size; i++) tensor.data[i] = next();
    return tensor;
  };

/** The number of inputs of one output of a weight [out, in, kH, kW] or [out, in]. */
const fanIn = (shape: Shape): number => shape.slice(1).reduce((a, b) => a * b, 1);
/** The number of outputs that one input reaches; `groups` convolutions share them out. */
const fanOut = (shape: Shape, groups: number): number =>
  (shape[0]! * shape.slice(2).reduce((a, b) => a * b, 1)) / groups;

export const constantOf = (value: number): Initializer => filled(() => () => value);
export const zeros: Initializer = constantOf(0);
export const ones: Initializer = constantOf(1);

/** Normal with the given standard deviation. */
export const normal = (std: number): Initializer => filled(random => () => random.normal() * std);

/** Normal, redrawn outside ±2, as timm's and PyTorch's trunc_normal_ (whose cut at ±2 is not scaled by std). */
export const truncatedNormal = (std: number): Initializer =>
  filled(random => () => {
    for (;;) {
      const x = random.normal() * std;
      if (Math.abs(x) <= 2) return x;
    }
  });

/** Normal with standard deviation √(2 / fan-in): He et al. 2015, https://arxiv.org/abs/1502.01852. */
export const kaimingNormal: Initializer = (shape, random) => normal(Math.sqrt(2 / fanIn(shape)))(shape, random);

/** Normal with standard deviation √(2 / fan-out), fan-out counted per group: what EfficientNet and PVT-v2 use. */
export const kaimingNormalFanOut =
  (groups = 1): Initializer =>
  (shape, random) =>
    normal(Math.sqrt(2 / fanOut(shape, groups)))(shape, random);

/** Uniform within ±1/√fan-in: PyTorch's default for linear and convolution weights. */
export const uniformFanIn: Initializer = (shape, random) => uniformWithin(1 / Math.sqrt(fanIn(shape)))(shape, random);

/** Uniform within ±limit. */
export const uniformWithin = (limit: number): Initializer => filled(random => () => random.uniform(-limit, limit));
