import { expect, test } from 'vitest';
import { grad } from '../grad.ts';
import { build } from '../graph.ts';
import { Random } from '../random.ts';
import { nodeCpu, runOnce } from '../runtime/node/index.ts';
import { randomTensor } from '../testing/index.ts';
import type { Value } from '../value.ts';
import { input } from '../value.ts';
import * as ops from './index.ts';

test('attention over many places, whose weights are not kept, has the gradients of each image alone', async () => {
  const places = 2048;
  const inputs = Object.fromEntries(['q', 'k', 'v'].map(name => [name, input('float32', [2, places, 2])] as const));
  const { q, k, v } = inputs as Record<'q' | 'k' | 'v', Value>;
  const gradients = (q: Value, k: Value, v: Value) => grad(ops.square(ops.attention(q, k, v)), [q, k, v]) as Value[];
  const image = (x: Value, i: number) => ops.slice(x, 0, i, i + 1);
  const alone = [0, 1].map(i => gradients(image(q, i), image(k, i), image(v, i)));
  const together = gradients(q, k, v);
  const outputs = Object.fromEntries(
    together.map((d, i) => [
      `difference ${i}`,
      ops.reduceMax(ops.abs(ops.sub(d, ops.concat([alone[0]![i]!, alone[1]![i]!], 0)))),
    ]),
  );
  const largest = Object.fromEntries(together.map((d, i) => [`largest ${i}`, ops.reduceMax(ops.abs(d))]));
  const random = new Random(5);
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape }]) => [name, randomTensor(shape, random)]),
  );
  const results = await runOnce(nodeCpu(), build({ inputs, outputs: { ...outputs, ...largest } }), feeds);
  const number = (name: string) => Number(results[name]!.data[0]);
  for (const i of [0, 1, 2]) {
    expect(number(`largest ${i}`)).toBeGreaterThan(1e-6);
    expect(number(`difference ${i}`)).toBeLessThan(1e-4 * number(`largest ${i}`));
  }
});
