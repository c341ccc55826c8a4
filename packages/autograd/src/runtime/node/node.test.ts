import { afterAll, expect, test } from 'vitest';
import {
  add,
  apply1,
  build,
  float32,
  input,
  matmul,
  mul,
  Random,
  reduceSum,
  relu,
  Tensor,
  writeOnnx,
} from '../../index.ts';
import { randomTensor } from '../../testing/index.ts';
import { plumbing } from '../../testing/runtime-suite.ts';
import { inWorker, nodeCpu, openOnnx } from './index.ts';

const runtimes = [nodeCpu(), inWorker('cpu')];
afterAll(() => Promise.all(runtimes.map(runtime => runtime.close())));

for (const runtime of runtimes)
  for (const { name, run } of plumbing) test(`${runtime.name}: ${name}`, () => run(runtime));

const [a, b] = [input('float32', [1024, 1024]), input('float32', [1024, 1024])];
const heavy = build({ inputs: { a, b }, outputs: { y: matmul(a, matmul(a, matmul(a, b))) } });
const feeds = { a: randomTensor(a.shape, new Random(1)), b: randomTensor(b.shape, new Random(2)) };

test('the event loop keeps turning while a graph runs in a worker', async () => {
  const runtime = inWorker('cpu', { threads: 1 });
  const executable = await runtime.compile(heavy);
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  await executable.run(feeds);
  clearInterval(count);
  await runtime.close();
  expect(turns).toBeGreaterThan(3);
});

test('results are the same to the last bit wherever numbers lie in memory', async () => {
  const count = 1003;
  const numbers = randomTensor([count], new Random(3)).data;
  const [x, w] = [input('float32', [count]), input('float32', [count])];
  const total = add(reduceSum(x), reduceSum(w));
  const graph = build({ inputs: { x }, outputs: { total }, state: { w: { value: w, next: mul(w, total) } } });
  const results = new Set<string>();
  for (const skipped of [0, 1, 2, 3]) {
    const askew = () => {
      const data = new Float32Array(count + skipped).subarray(skipped);
      data.set(numbers);
      return new Tensor('float32', [count], data);
    };
    const executable = await runtimes[0]!.compile(graph, { w: askew() });
    const { total } = await executable.run({ x: askew() });
    results.add(`${total!.data[0]} ${(await executable.readState())['w']!.data.join()}`);
    await executable.close();
  }
  expect(results.size).toBe(1);
});

test('closing a worker runtime in the middle of a run rejects the run', async () => {
  const runtime = inWorker('cpu');
  const run = (await runtime.compile(heavy)).run(feeds);
  await Promise.all([
    expect(run).rejects.toThrow('node-cpu-worker: the runtime is closed; open another one'),
    runtime.close(),
  ]);
  await expect(runtime.compile(heavy)).rejects.toThrow('node-cpu-worker: the runtime is closed; open another one');
});

test('a closed executable in a worker says so', async () => {
  const runtime = runtimes[1]!;
  const x = input('float32', [1]);
  const executable = await runtime.compile(build({ inputs: { x }, outputs: { y: relu(x) } }));
  await executable.close();
  await expect(executable.run({ x: float32([1], [1]) })).rejects.toThrow('run: the executable is closed');
});

test('the error of a node that ONNX Runtime refuses names this line, also from a worker', async () => {
  const x = input('float32', [1]);
  const y = apply1({ onnx: 'NoSuchOperator', infer: () => [x], vjp: 'none' }, [x], null);
  for (const runtime of runtimes)
    await expect(runtime.compile(build({ inputs: { x }, outputs: { y } }))).rejects.toThrow(
      /made at .*node\.test\.ts:\d+/,
    );
});

test('a written model runs by itself, also with weights that are stored as float16', async () => {
  const [x, w] = [input('float32', [2]), input('float32', [2])];
  const tensor = new Tensor('float16', [2], Uint16Array.of(0x3c00, 0xc000));
  const graph = build({ inputs: { x }, outputs: { y: mul(x, w) }, weights: new Map([[w, { name: 'w', tensor }]]) });
  const executable = await openOnnx(writeOnnx(graph));
  expect(await executable.run({ x: float32([2], [3, 5]) })).toEqual({ y: float32([2], [3, -10]) });
  await executable.close();
});
