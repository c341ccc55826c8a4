/** What tests are made of: numeric gradient checks and close comparison, the same on every runtime. */
import { grad } from '../grad.ts';
import { build } from '../graph.ts';
import { add, mul } from '../ops/elementwise.ts';
import { reduceSum } from '../ops/reduce.ts';
import { Random } from '../random.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Shape } from '../tensor.ts';
import { Tensor } from '../tensor.ts';
import type { Value } from '../value.ts';
import { input } from '../value.ts';

export type { GradientCase, ValueCase } from '../ops/op-cases.ts';
export { gradientCases, helpers, valueCases } from '../ops/op-cases.ts';

/** Standard normal numbers from a seed. */
export function randomTensor(shape: Shape, random: Random, scale = 1): Tensor<'float32'> {
  const tensor = new Tensor('float32', shape);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = random.normal() * scale;
  return tensor;
}

/** Where two tensors differ most, as text; null when they agree within atol + rtol · |expected|. */
export function difference(
  actual: Tensor,
  expected: { readonly shape: Shape; readonly data: ArrayLike<number | bigint> },
  { rtol = 1e-5, atol = 1e-6 } = {},
): string | null {
  if (actual.shape.join() !== expected.shape.join()) return `shape [${actual.shape}], expected [${expected.shape}]`;
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < actual.size; i++) {
    const [a, e] = [Number(actual.data[i]), Number(expected.data[i])];
    if (Object.is(a, e)) continue;
    const over = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    if (over > excess || Number.isNaN(over)) [worst, excess] = [i, Number.isNaN(over) ? Infinity : over];
  }
  return worst < 0
    ? null
    : `shape [${actual.shape}], worst at flat index ${worst}: ${String(actual.data[worst])}, expected ${String(expected.data[worst])} (rtol ${rtol}, atol ${atol})`;
}

export interface GradientCheck {
  readonly runtime: Runtime;
  /** Shapes of the inputs of f, all float32. */
  readonly shapes: readonly Shape[];
  readonly seed?: number;
  /** Standard deviation of the random inputs, and what is added to them: to keep off kinks and poles. */
  readonly scale?: number;
  readonly offset?: number;
  /** Step of the central difference: 1e-2 for smooth functions, 1e-3 for piecewise ones. */
  readonly step?: number;
  readonly tolerance?: number;
  /** 2 checks the gradient of the gradient. */
  readonly order?: 1 | 2;
  /** Replaces the random inputs, for functions with kinks. */
  readonly inputs?: (random: Random) => readonly Tensor<'float32'>[];
}

/**
 * Checks the gradients of f numerically: along three random directions, the derived directional derivative must equal
 * the central difference. f's output is weighted with fixed random numbers, so that no error cancels.
 * @throws {Error} with both numbers when they differ by more than the tolerance, relative to the gradient's size
 */
export async function checkGradients(f: (...xs: Value[]) => Value, check: GradientCheck): Promise<void> {
  const { runtime, shapes, seed = 1, scale = 1, offset = 0, step = 1e-2, order = 1 } = check;
  const tolerance = check.tolerance ?? (order === 1 ? 5e-3 : 2e-2);
  const random = new Random(seed);
  const xs = shapes.map(shape => input('float32', shape));
  const weighted = (y: Value, name: string, feeds: Record<string, Tensor>, inputs: Record<string, Value>): Value => {
    const weights = input('float32', y.shape);
    inputs[name] = weights;
    feeds[name] = randomTensor(y.shape, random.fork(name));
    return reduceSum(mul(y, weights));
  };
  const feeds: Record<string, Tensor> = {};
  const inputs: Record<string, Value> = {};
  for (const [i, x] of xs.entries()) inputs[`x${i}`] = x;
  let scalarOutput = weighted(f(...xs), 'weights', feeds, inputs);
  if (order === 2) {
    const first = grad(scalarOutput, xs);
    const parts = first.flatMap((g, i) => (g ? [weighted(g, `weights${i}`, feeds, inputs)] : []));
    scalarOutput = parts.reduce((a, b) => add(a, b));
  }
  const gradients = grad(scalarOutput, xs);
  const outputs: Record<string, Value> = { y: scalarOutput };
  for (const [i, g] of gradients.entries()) if (g) outputs[`dx${i}`] = g;
  const executable = await runtime.compile(build({ inputs, outputs }));
  try {
    const points = check.inputs?.(random) ?? shapes.map(shape => shifted(randomTensor(shape, random, scale), offset));
    const at = async (direction: readonly Tensor<'float32'>[], t: number) => {
      const moved = points.map((p, i) => along(p, direction[i]!, t));
      const named = Object.fromEntries(moved.map((x, i) => [`x${i}`, x]));
      return executable.run({ ...feeds, ...named });
    };
    for (let k = 0; k < 3; k++) {
      const direction = shapes.map(shape => randomTensor(shape, random));
      const [here, plus, minus] = [await at(direction, 0), await at(direction, step), await at(direction, -step)];
      const numeric = ((plus['y']!.data[0] as number) - (minus['y']!.data[0] as number)) / (2 * step);
      let analytic = 0;
      let size = 0;
      for (const [i, d] of direction.entries()) {
        const g = here[`dx${i}`]?.data as Float32Array | undefined;
        if (!g) continue;
        for (let j = 0; j < g.length; j++) analytic += g[j]! * d.data[j]!;
        for (let j = 0; j < g.length; j++) size += g[j]! ** 2;
      }
      const error = Math.abs(analytic - numeric) / Math.max(1e-2, Math.sqrt(size), Math.abs(numeric));
      if (!(error <= tolerance))
        throw new Error(
          `gradient of order ${order} on ${runtime.name}, direction ${k}, seed ${seed}: derived ${analytic}, numeric ${numeric} (error ${error}, tolerance ${tolerance})`,
        );
    }
  } finally {
    await executable.close();
  }
}

const shifted = (tensor: Tensor<'float32'>, offset: number): Tensor<'float32'> =>
  new Tensor(
    'float32',
    tensor.shape,
    tensor.data.map(x => x + offset),
  );

const along = (x: Tensor<'float32'>, direction: Tensor<'float32'>, t: number): Tensor<'float32'> =>
  new Tensor(
    'float32',
    x.shape,
    x.data.map((v, i) => v + t * direction.data[i]!),
  );
