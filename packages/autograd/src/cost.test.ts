import { expect, test } from 'vitest';
import {
  add,
  build,
  conv2d,
  convTranspose2d,
  costOf,
  gemm,
  input,
  linear,
  matmul,
  relu,
  reshape,
  sigmoid,
  split,
} from './index.ts';
import type { Value } from './index.ts';

const x = (...shape: number[]) => input('float32', shape);
const cost = (y: Value, ...inputs: Value[]) =>
  costOf(build({ inputs: Object.fromEntries(inputs.map((value, i) => [`x${i}`, value])), outputs: { y } }));

test('a convolution multiplies as often as its kernel has taps, for each output', () => {
  const [image, kernel, bias] = [x(2, 4, 9, 9), x(6, 2, 3, 3), x(6)];
  // [2, 6, 4, 4] outputs of 2 · 3 · 3 taps
  const expected = { Conv: 2 * 6 * 4 * 4 * (2 * 3 * 3) };
  const attrs = { groups: 2, stride: 2 };
  expect(cost(conv2d(image, kernel, attrs), image, kernel).multiplyAdds).toEqual(expected);
  expect(cost(conv2d(image, kernel, attrs, bias), image, kernel, bias).multiplyAdds).toEqual(expected);
});

test('a transposed convolution multiplies as often as the convolution that it reverses', () => {
  const [map, kernel] = [x(1, 4, 5, 5), x(4, 3, 2, 2)];
  const y = convTranspose2d(map, kernel, { stride: 2 });
  expect(cost(y, map, kernel).multiplyAdds).toEqual({ ConvTranspose: 4 * 5 * 5 * (3 * 2 * 2) });
  const back = conv2d(x(...y.shape), kernel, { stride: 2 });
  expect(back.shape).toEqual(map.shape);
});

test('matrix products multiply rows · columns · inner, in every batch', () => {
  const [a, b] = [x(2, 1, 3, 4), x(5, 4, 6)];
  expect(cost(matmul(a, b), a, b).multiplyAdds).toEqual({ MatMul: 2 * 5 * 3 * 4 * 6 });
  const [p, q, bias] = [x(7, 3), x(5, 7), x(5)];
  expect(cost(gemm(p, q, true, true), p, q).multiplyAdds).toEqual({ Gemm: 3 * 7 * 5 });
  const tokens = x(2, 3, 7);
  expect(cost(linear(tokens, q, bias), tokens, q, bias).multiplyAdds).toEqual({ Gemm: 2 * 3 * 7 * 5 });
});

test('what is computed lives until its last use, and a reshape is no memory of its own', () => {
  const a = x(10);
  const b = relu(a); // 40 bytes, until d
  const c = sigmoid(reshape(b, [2, 5])); // 40
  const d = add(reshape(b, [2, 5]), c); // 40: b, c and d at a time
  const e = relu(d); // 40: d and e
  const [f] = split(e, 0, [1, 1]); // 20, and 20 that nobody uses: e and both
  expect(cost(reshape(f!, [5]), a).activationBytes).toEqual({ peak: 120, sum: 200 });
  expect(cost(a, a)).toEqual({ multiplyAdds: {}, activationBytes: { peak: 0, sum: 0 } });
});
