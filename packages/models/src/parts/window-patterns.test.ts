import type { Value } from '@forgelens/autograd';
import { Random, build, constant, float32, grad, reduceSum } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { expect, test } from 'vitest';
import { balancedResidual, periodicity, periodicityOfCode, randomness, randomnessOfCode } from './window-patterns.ts';

const runtime = nodeCpu({ threads: 1 });
const random = new Random('windows');

async function evaluate(values: Readonly<Record<string, Value>>): Promise<Record<string, readonly number[]>> {
  const results = await runOnce(runtime, build({ inputs: {}, outputs: values }));
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
}

/** Windows of side × side as [1, taps, windows]. */
const windowsOf = (side: number, fills: readonly ((x: number, y: number) => number)[]): Value =>
  constant(
    float32(
      [1, side * side, fills.length],
      Array.from({ length: side * side * fills.length }, (_, i) => {
        const tap = Math.floor(i / fills.length);
        return fills[i % fills.length]!(tap % side, Math.floor(tap / side));
      }),
    ),
  );

const flat = () => 0.5;
const edge = (x: number) => (x < 8 ? 0.1 : 0.9);
const noise = () => random.uniform();
const grating = (x: number, y: number) => 0.5 + 0.4 * Math.sin((2 * Math.PI * (x + y)) / 4);

test('noise is random, a grating is periodic, and a flat window is neither', async () => {
  const windows = windowsOf(16, [flat, edge, noise, grating]);
  const { entropy, share } = await evaluate({ entropy: randomness(windows), share: periodicity(windows) });
  expect(entropy![0]).toBeCloseTo(0, 6);
  expect(entropy![1]).toBeCloseTo(1 / 4, 2); // two values: one bit of four
  expect(entropy![2]).toBeGreaterThan(0.9);
  expect(share![0]).toBe(0);
  expect(share![2]).toBeLessThan(0.1);
  expect(share![3]).toBeGreaterThan(0.15);
  expect(share![3]).toBeGreaterThan(3 * share![2]!);
});

test("the code's periodicity is 1 wherever anything varies, and its randomness is never positive", async () => {
  const windows = windowsOf(5, [flat, edge, noise, x => x]);
  const { entropy, share } = await evaluate({
    entropy: randomnessOfCode(windows),
    share: periodicityOfCode(windows),
  });
  expect(share!.slice(2)).toEqual([1, 1]);
  expect(share![0]).toBe(0);
  expect(entropy!.every(e => e <= 0 && e >= -1)).toBe(true);
  expect(entropy![3]).toBeCloseTo(-Math.log2(5) / 4, 5); // five values, alike in number
});

test("the paper's measures have finite gradients, at flat windows too", async () => {
  const windows = windowsOf(16, [flat, edge, noise]);
  for (const measure of [randomness, periodicity]) {
    const { dx } = await evaluate({ dx: grad(reduceSum(measure(windows)), [windows])[0]! });
    expect(dx!.every(Number.isFinite)).toBe(true);
    expect(dx!.some(d => d !== 0)).toBe(true);
  }
});

test('the residual is of what lies beyond two standard deviations, as a share of the farthest', async () => {
  const periodic = Array<number>(100).fill(0.2);
  [periodic[7], periodic[42]] = [0.9, 0.5];
  const one = constant(float32([1, 100], Array<number>(100).fill(1)));
  const { residual } = await evaluate({ residual: balancedResidual(constant(float32([1, 100], periodic)), one) });
  expect(residual![7]).toBeCloseTo(1, 6);
  expect(residual![42]).toBeGreaterThan(0);
  expect(residual![42]).toBeLessThan(0.5);
  expect(residual!.filter(r => r !== 0)).toHaveLength(2);
});
