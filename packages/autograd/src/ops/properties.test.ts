/** Random configurations of the ops that have many: their shapes agree with ONNX Runtime, and their gradients are right. */
import fc from 'fast-check';
import { test } from 'vitest';

import { ShapeError } from '../errors.ts';
import { build } from '../graph.ts';
import { nodeCpu, runOnce } from '../runtime/node/index.ts';
import type { Shape } from '../tensor.ts';
import { float32, int64, sizeOf } from '../tensor.ts';
import type { GradientCheck } from '../testing/index.ts';
import { checkGradients } from '../testing/index.ts';
import type { Value } from '../value.ts';
import { constant, input } from '../value.ts';
import * as ops from './index.ts';

const runtime = nodeCpu({ threads: 1 });
/** Raise numRuns and take out the seed to search further. */
const runs = { numRuns: 12, seed: 2026 };

interface Configured extends Pick<GradientCheck, 'step' | 'inputs'> {
  readonly f: (...xs: Value[]) => Value;
  readonly shapes: readonly Shape[];
}

const extent = (min: number, max: number) => fc.integer({ min, max });

/** Checks configurations; those that the op refuses, such as a kernel larger than its image, are drawn anew. */
const check = <T>(configuration: fc.Arbitrary<T>, make: (drawn: T) => Configured) =>
  fc.assert(
    fc.asyncProperty(configuration, extent(1, 1000), async (drawn, seed) => {
      const { f, shapes, ...rest } = make(drawn);
      const xs = shapes.map(shape => input('float32', shape));
      let y: Value | null = null;
      try {
        y = f(...xs);
      } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
      }
      fc.pre(y !== null);
      const inputs = Object.fromEntries(xs.map((x, i) => [`x${i}`, x]));
      const feeds = Object.fromEntries(
        shapes.map((shape, i) => [`x${i}`, float32(shape, new Float32Array(sizeOf(shape)))]),
      );
      await runOnce(runtime, build({ inputs, outputs: { y: y } }), feeds);
      await checkGradients(f, { runtime, shapes, seed, ...rest });
    }),
    runs,
  );

/** Numbers 0.1 apart, so that no step changes their order. */
const apart =
  (shape: Shape): Configured['inputs'] =>
  random => [
    float32(shape, random.shuffle(Array.from({ length: sizeOf(shape) }, (_, i) => (i - sizeOf(shape) / 2) * 0.1))),
  ];

const kernel = fc.record({
  batch: extent(1, 2),
  groups: extent(1, 3),
  inPerGroup: extent(1, 3),
  outPerGroup: extent(1, 2),
  height: extent(1, 9),
  width: extent(1, 9),
  kernelHeight: extent(1, 3),
  kernelWidth: extent(1, 3),
  stride: extent(1, 3),
  dilation: extent(1, 2),
  padding: fc.tuple(extent(0, 3), extent(0, 3)),
});

test('conv2d in any configuration', () =>
  check(kernel, ({ batch, groups, inPerGroup, outPerGroup, height, width, kernelHeight, kernelWidth, ...attrs }) => ({
    f: (x, w) => ops.conv2d(x, w, { groups, ...attrs }),
    shapes: [
      [batch, groups * inPerGroup, height, width],
      [groups * outPerGroup, inPerGroup, kernelHeight, kernelWidth],
    ],
  })));

test('convTranspose2d in any configuration', () =>
  check(kernel, ({ batch, groups, inPerGroup, outPerGroup, height, width, kernelHeight, kernelWidth, ...attrs }) => ({
    f: (x, w) => ops.convTranspose2d(x, w, { groups, ...attrs }),
    shapes: [
      [batch, groups * inPerGroup, Math.min(height, 4), Math.min(width, 4)],
      [groups * inPerGroup, outPerGroup, kernelHeight, kernelWidth],
    ],
  })));

const pool = fc.record({
  shape: fc.tuple(extent(1, 2), extent(1, 2), extent(1, 8), extent(1, 8)),
  kernelSize: extent(1, 4),
  stride: extent(1, 4),
  padding: extent(0, 2),
});

test('maxPool2d in any configuration', () =>
  check(pool, ({ shape, kernelSize, ...attrs }) => ({
    f: x => ops.maxPool2d(x, kernelSize, attrs),
    shapes: [shape],
    step: 1e-3,
    inputs: apart(shape),
  })));

test('avgPool2d in any configuration', () =>
  check(pool, ({ shape, kernelSize, ...attrs }) => ({ f: x => ops.avgPool2d(x, kernelSize, attrs), shapes: [shape] })));

const resizing = fc.record({
  from: fc.tuple(extent(1, 9), extent(1, 9)),
  to: fc.tuple(extent(1, 12), extent(1, 12)),
  alignCorners: fc.boolean(),
});

test('resizeBilinear in any configuration', () =>
  check(resizing, ({ from, to, alignCorners }) => ({
    f: x => ops.resizeBilinear(x, to, alignCorners),
    shapes: [[1, 2, ...from]],
  })));

test('resizeNearest in any configuration', () =>
  check(resizing, ({ from, to }) => ({ f: x => ops.resizeNearest(x, to), shapes: [[1, 2, ...from]] })));

test('adaptiveAvgPool2d in any configuration', () =>
  check(resizing, ({ from, to }) => ({ f: x => ops.adaptiveAvgPool2d(x, to), shapes: [[1, 2, ...from]] })));

const shapeAndAxis = fc
  .array(extent(1, 5), { minLength: 1, maxLength: 4 })
  .chain(shape => fc.record({ shape: fc.constant(shape), axis: extent(-shape.length, shape.length - 1) }));

test('slice in any configuration', () =>
  check(
    fc.record({ where: shapeAndAxis, start: extent(0, 4), length: extent(1, 5), step: extent(1, 3) }),
    ({ where: { shape, axis }, start, length, step }) => ({
      f: x => ops.slice(x, axis, start, start + length, step),
      shapes: [shape],
    }),
  ));

test('pad and mirrorPad in any configuration', () =>
  check(
    fc.record({
      shape: fc.array(extent(1, 4), { minLength: 1, maxLength: 3 }),
      sides: fc.array(fc.tuple(extent(0, 3), extent(0, 3)), { minLength: 3, maxLength: 3 }),
      mode: fc.constantFrom('constant', 'reflect', 'edge'),
    }),
    ({ shape, sides, mode }) => {
      const padding = sides.slice(0, shape.length);
      return {
        f: x => (mode === 'constant' ? ops.pad(x, padding, 1) : ops.mirrorPad(x, padding, mode)),
        shapes: [shape],
      };
    },
  ));

test('reductions in any configuration', () =>
  check(
    fc.record({
      shape: fc.array(extent(1, 4), { minLength: 1, maxLength: 4 }),
      chosen: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      keepDims: fc.boolean(),
      reduce: fc.constantFrom(ops.reduceSum, ops.reduceMean, ops.reduceMax, ops.reduceMin),
    }),
    ({ shape, chosen, keepDims, reduce }) => {
      const axes = [...shape.keys()].filter(axis => chosen[axis]);
      return { f: x => reduce(x, axes, { keepDims }), shapes: [shape], step: 1e-3, inputs: apart(shape) };
    },
  ));

test('broadcasting of any shapes', () =>
  check(
    fc.record({
      shape: fc.array(extent(1, 4), { maxLength: 4 }),
      ones: fc.tuple(fc.nat(15), fc.nat(15)),
      ranks: fc.tuple(extent(0, 4), extent(0, 4)),
      op: fc.constantFrom(ops.add, ops.sub, ops.mul),
    }),
    ({ shape, ones, ranks, op }) => ({
      f: (a, b) => op(a, b),
      shapes: [0, 1].map(k =>
        shape.map((n, i) => ((ones[k]! >> i) & 1 ? 1 : n)).slice(shape.length - Math.min(ranks[k]!, shape.length)),
      ),
    }),
  ));

test('gather in any configuration', () =>
  check(
    fc.record({
      where: shapeAndAxis,
      indices: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
      pairs: fc.boolean(),
    }),
    ({ where: { shape, axis }, indices, pairs }) => {
      const within = indices.map(i => i % shape.at(axis)!);
      const list = pairs ? [...within, ...within] : within;
      const picked = constant(int64(pairs ? [2, within.length] : [within.length], list));
      return { f: x => ops.gather(x, picked, axis), shapes: [shape] };
    },
  ));

test('matmul in any configuration', () =>
  check(
    fc.record({
      sizes: fc.tuple(extent(1, 4), extent(1, 4), extent(1, 4)),
      batch: fc.array(extent(1, 3), { maxLength: 2 }),
      ones: fc.tuple(fc.nat(3), fc.nat(3)),
    }),
    ({ sizes: [m, k, n], batch, ones }) => ({
      f: (a, b) => ops.matmul(a, b),
      shapes: [
        [...batch.map((size, i) => ((ones[0] >> i) & 1 ? 1 : size)), m, k],
        [...batch.map((size, i) => ((ones[1] >> i) & 1 ? 1 : size)), k, n],
      ],
    }),
  ));
