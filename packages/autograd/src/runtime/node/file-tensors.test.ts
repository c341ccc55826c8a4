import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CheckpointError, Random, Tensor, build, conv2d, input, int64, writeSafetensors } from '../../index.ts';
import { difference, randomTensor } from '../../testing/index.ts';
import { inWorker, nodeCpu, openSafetensors, readFileTensors, runOnce } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'forgelens-tensors-'));
const runtimes = [nodeCpu({ threads: 1 }), inWorker('cpu', { threads: 1 })];
afterAll(async () => {
  await Promise.all(runtimes.map(runtime => runtime.close()));
  rmSync(folder, { recursive: true });
});

const random = new Random('stored');
const tensors = {
  kernel: randomTensor([16, 8, 3, 3], random),
  bias: randomTensor([16], random),
  steps: int64([1024], Array(1024).fill(3)),
};

function save(name: string, bytes = writeSafetensors(tensors, { step: '7' })): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const open = async (path: string) => Object.fromEntries((await openSafetensors(path)).tensors);

test('large float32 tensors stay in the file, and are read when they are asked for', async () => {
  const path = save('weights.safetensors');
  const { tensors: opened, metadata } = await openSafetensors(path);
  expect(metadata).toEqual({ step: '7' });
  expect([...opened].map(([name, tensor]) => [name, tensor instanceof Tensor])).toEqual([
    ['kernel', false],
    ['bias', true],
    ['steps', true],
  ]);
  expect(await readFileTensors(Object.fromEntries(opened))).toEqual(tensors);
});

test('float32 tensors at odd places are read', async () => {
  const header = '{"w":{"dtype":"F32","shape":[1024],"data_offsets":[0,4096]}} ';
  const bytes = new Uint8Array(8 + header.length + 4096).fill(1);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  expect((await open(save('odd.safetensors', bytes)))['w']).toBeInstanceOf(Tensor);
});

const x = input('float32', [1, 8, 8, 8]);
const w = input('float32', tensors.kernel.shape);
const graphOf = (kernel: Awaited<ReturnType<typeof open>>[string]) =>
  build({ inputs: { x }, outputs: { y: conv2d(x, w) }, weights: new Map([[w, { name: 'kernel', tensor: kernel }]]) });
const feeds = { x: randomTensor(x.shape, random) };

test('a graph computes the same with weights in a file, also through a link', async () => {
  const path = save('linked.safetensors');
  symlinkSync(path, join(folder, 'link'));
  const expected = (await runOnce(runtimes[0]!, graphOf(tensors.kernel), feeds))['y'] as Tensor<'float32'>;
  for (const runtime of runtimes)
    for (const place of [path, join(folder, 'link')]) {
      const { y } = await runOnce(runtime, graphOf((await open(place))['kernel']!), feeds);
      expect(difference(y!, expected, { rtol: 1e-6, atol: 1e-6 })).toBeNull();
    }
});

test('a file that is not what it was is neither run nor read', async () => {
  const path = save('changing.safetensors');
  const opened = await open(path);
  const uses = [
    ...runtimes.map(runtime => () => runtime.compile(graphOf(opened['kernel']!))),
    () => readFileTensors(opened),
  ];
  utimesSync(path, 1, 1);
  const changed = new CheckpointError(path, 'has changed since it was opened; open it again');
  for (const use of uses) await expect(use()).rejects.toThrow(changed);
  rmSync(path);
  const gone = new CheckpointError(path, 'is gone since it was opened; open it again');
  for (const use of uses) await expect(use()).rejects.toThrow(gone);
});

test('a tensor beyond the end of its file is refused', async () => {
  const path = save('short.safetensors');
  const { kernel } = await open(path);
  const shifted = { ...(kernel as Exclude<typeof kernel, Tensor | undefined>), offset: 1e6 };
  await expect(readFileTensors({ shifted })).rejects.toThrow(
    `${path}: has become shorter while it was read; copy it again`,
  );
});
