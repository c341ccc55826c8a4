import type { Value } from '@forgelens/autograd';
import { Random, build, constant, constantMatrix, float32, grad, reduceSum } from '@forgelens/autograd';
import { nodeCpu, runOnce } from '@forgelens/autograd/runtime/node';
import { checkGradients, difference, randomTensor } from '@forgelens/autograd/testing';
import { expect, test } from 'vitest';
import { expectedWalk, mapToNodes, similarityGraph, walkPixels } from './pixel-graph.ts';
import { drawCandidates, sampledWalk } from './sampled-walk.ts';

const runtime = nodeCpu({ threads: 1 });

async function evaluate(value: Value): Promise<Float32Array> {
  return (await runOnce(runtime, build({ inputs: {}, outputs: { value } })))['value']!.data as Float32Array;
}

/** Uniform numbers for 3 steps of so many walks. */
function draws(walks: number, seed = 1): Value {
  const random = new Random(seed);
  return constant(
    float32(
      [3, walks],
      Array.from({ length: 3 * walks }, () => random.uniform()),
    ),
  );
}

/** Positive numbers, so that every node is like some other. */
const nodes = (pixels: number, channels: number) =>
  constant(
    float32(
      [2, pixels, channels],
      randomTensor([2, pixels, channels], new Random(3)).data.map(x => Math.abs(x)),
    ),
  );

test('what walks see in the mean is 0.3·(I + 0.7·A + 0.49·A²)·x + 0.343·A³·x', async () => {
  // Two nodes that lead to each other.
  const graph = constant(float32([1, 2, 2], [0, 1, 1, 0]));
  const seen = await evaluate(
    expectedWalk(
      graph,
      constantMatrix(2, 2, (i, j) => (i === j ? 1 : 0)),
    ),
  );
  expect([...seen].map(x => Math.round(x * 1e6) / 1e6)).toEqual([0.447, 0.553, 0.553, 0.447]);
});

test('a node that is like no other has no way to go, and none leads to itself', async () => {
  const rows = [
    [1, 0, 0],
    [2, 0.1, 0],
    [0, 0, 1],
    [0, 0, 0],
  ];
  const graph = await evaluate(similarityGraph(constant(float32([1, 4, 3], rows.flat()))));
  expect([...graph].map(x => Math.round(x * 1e4) / 1e4)).toEqual([0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('walks have the gradient of their formula, and a finite one at a pixel of zeros', async () => {
  const positive = (random: Random) => [
    float32(
      [2, 3, 2, 4],
      randomTensor([2, 3, 2, 4], random).data.map(x => Math.abs(x) + 1),
    ),
  ];
  await checkGradients(x => walkPixels(x), { runtime, shapes: [[2, 3, 2, 4]], inputs: positive });
  const zeros = constant(float32([1, 2, 1, 2], [1, 0, 1, 0]));
  const gradient = await evaluate(grad(reduceSum(walkPixels(zeros)), [zeros])[0]!);
  expect([...gradient].every(Number.isFinite)).toBe(true);
});

test('with every node a candidate, many sampled walks see what all walks see in the mean', async () => {
  const [pixels, walks] = [6, 500];
  const x = nodes(pixels, 3);
  const others = Array.from({ length: pixels }, (_, i) => [...Array(pixels).keys()].filter(j => j !== i));
  const sampled = sampledWalk(x, {
    candidates: float32([pixels, pixels - 1], others.flat()),
    draws: draws(pixels * walks),
  });
  const [a, b] = [await evaluate(sampled), await evaluate(expectedWalk(similarityGraph(x), x))];
  // One standard deviation of a mean of 500 is about 0.03 here.
  for (const [i, value] of b.entries()) expect(Math.abs(a[i]! - value), `element ${i}`).toBeLessThan(0.1);
});

test('a sampled walk with no candidate that is like its node stays where it is', async () => {
  const x = constant(float32([1, 2, 2], [1, 0, 0, 1]));
  const sampled = sampledWalk(x, { candidates: float32([2, 1], [1, 0]), draws: draws(2 * 5) });
  expect([...(await evaluate(sampled))]).toEqual([1, 0, 0, 1]);
});

test('the gradient of sampled walks says how often each node was seen', async () => {
  const x = nodes(4, 2);
  const sampled = sampledWalk(x, { candidates: drawCandidates(2, 2), draws: draws(4 * 8) });
  const gradient = await evaluate(grad(reduceSum(sampled), [x])[0]!);
  expect(gradient.reduce((a, b) => a + b, 0)).toBeCloseTo(
    x.shape.reduce((a, b) => a * b, 1),
    4,
  );
  expect(new Set([...gradient].map(g => g * 8)).size).toBeGreaterThan(1);
});

test('candidates are other pixels, half of them near, the same each time', () => {
  const [height, width] = [12, 20];
  const candidates = drawCandidates(height, width);
  expect(difference(drawCandidates(height, width), candidates, { rtol: 0, atol: 0 })).toBeNull();
  for (let i = 0; i < height * width; i++)
    for (let k = 0; k < 16; k++) {
      const other = candidates.data[i * 16 + k]!;
      expect(other).not.toBe(i);
      expect(other).toBeLessThan(height * width);
      const away = Math.max(
        Math.abs((other % width) - (i % width)),
        Math.abs(Math.floor(other / width) - Math.floor(i / width)),
      );
      if (k < 8) expect(away).toBeLessThanOrEqual(3);
    }
});

test('nodes are the pixels of a map in rows', () => {
  expect(mapToNodes(constant(float32([1, 2, 1, 3], [1, 2, 3, 4, 5, 6]))).shape).toEqual([1, 3, 2]);
});
