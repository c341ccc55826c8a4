import { expect, test } from 'vitest';
import { build } from '../graph.ts';
import { relu } from '../ops/elementwise.ts';
import { input } from '../value.ts';
import { remoteRuntime } from './remote.ts';

test('a worker that fails rejects what was asked of it, and everything after, with its reason', async () => {
  let fail: (reason: string) => void = () => undefined;
  const worker = {
    post: () => undefined,
    listen: () => undefined,
    onEnd: (listener: typeof fail) => void (fail = listener),
    terminate: async () => undefined,
  };
  const runtime = remoteRuntime('test-worker', worker, 'cpu', {});
  const x = input('float32', [1]);
  const graph = build({ inputs: { x }, outputs: { y: relu(x) } });
  const pending = runtime.compile(graph);
  fail('exit code 134');
  await expect(pending).rejects.toThrow('test-worker: the worker has ended: exit code 134');
  await expect(runtime.compile(graph)).rejects.toThrow('test-worker: the worker has ended: exit code 134');
});
