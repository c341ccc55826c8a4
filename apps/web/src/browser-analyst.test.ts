import { DataError } from '@forgelens/autograd';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Task, Told } from './analysis-worker.ts';
import type { AnalystProgress } from './analyst.ts';
import { createBrowserAnalyst } from './browser-analyst.ts';

/** A worker that only tells what it is told to tell. */
class FakeWorker {
  readonly tasks: Task[] = [];
  isEnded = false;
  onmessage: ((event: { data: Told }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  constructor() {
    workers.push(this);
  }
  postMessage(task: Task): void {
    this.tasks.push(task);
  }
  terminate(): void {
    this.isEnded = true;
  }
  tell(data: Told): void {
    this.onmessage!({ data });
  }
}

let workers: FakeWorker[];
beforeEach(() => {
  workers = [];
  vi.stubGlobal('crossOriginIsolated', true);
  vi.stubGlobal('Worker', FakeWorker);
});
afterEach(() => vi.unstubAllGlobals());

const picture = (name: string) => ({ name, bytes: Uint8Array.of(1, 2, 3) });
const analyzed = (name: string): Told => ({
  kind: 'analyzed',
  analysis: { input: { name } } as never,
  files: new Map(),
});
const never = new AbortController().signal;
const quiet = { signal: never, progress: () => {} };
/** Lets what has been settled go on. */
const turn = () => new Promise(resolve => setTimeout(resolve));

test('one picture is looked at after the other, and each hears of its own progress', async () => {
  const analyst = await createBrowserAnalyst();
  const heard: AnalystProgress[][] = [[], []];
  const found = ['a.jpg', 'b.jpg'].map((name, i) =>
    analyst.analyze(picture(name), { signal: never, progress: progress => heard[i]!.push(progress) }),
  );
  await turn();
  const [worker] = workers;
  expect(worker!.tasks).toHaveLength(1);
  worker!.tell({ kind: 'progress', progress: { stage: 'locate', done: 0, total: 1 } });
  worker!.tell(analyzed('a.jpg'));
  expect((await found[0]!).analysis.input.name).toBe('a.jpg');
  await turn();
  expect(worker!.tasks).toHaveLength(2);
  worker!.tell(analyzed('b.jpg'));
  expect((await found[1]!).analysis.input.name).toBe('b.jpg');
  expect(heard.map(all => all.map(({ stage }) => stage))).toEqual([['wait', 'locate'], ['wait']]);
  expect(workers).toHaveLength(1);
});

test('the report is made when it is asked for, of the bytes that were looked at', async () => {
  const analyst = await createBrowserAnalyst();
  const found = analyst.analyze(picture('a.jpg'), quiet);
  await turn();
  workers[0]!.tell(analyzed('a.jpg'));
  const report = (await found).report();
  await turn();
  const task = workers[0]!.tasks[1] as Task & { kind: 'report' };
  expect(new Uint8Array(await task.picture.arrayBuffer())).toEqual(picture('a.jpg').bytes);
  workers[0]!.tell({ kind: 'reported', report: new Blob(['<html>']) });
  expect(await (await report).text()).toBe('<html>');
});

test('a picture that is stopped ends the worker, and the next one gets another', async () => {
  const analyst = await createBrowserAnalyst();
  const stop = new AbortController();
  const stopped = analyst.analyze(picture('a.jpg'), { ...quiet, signal: stop.signal });
  const waiting = analyst.analyze(picture('b.jpg'), quiet);
  await turn();
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  await turn();
  expect(workers.map(({ isEnded }) => isEnded)).toEqual([true, false]);
  workers[1]!.tell(analyzed('b.jpg'));
  expect((await waiting).analysis.input.name).toBe('b.jpg');
});

test('a picture that is stopped while it waits does not disturb the one before', async () => {
  const analyst = await createBrowserAnalyst();
  const stop = new AbortController();
  const first = analyst.analyze(picture('a.jpg'), quiet);
  const stopped = analyst.analyze(picture('b.jpg'), { ...quiet, signal: stop.signal });
  await turn();
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  workers[0]!.tell(analyzed('a.jpg'));
  expect((await first).analysis.input.name).toBe('a.jpg');
  expect(workers[0]!.tasks).toHaveLength(1);
});

test('what is wrong with a picture is a DataError and leaves the worker; a fault does not', async () => {
  const analyst = await createBrowserAnalyst();
  const message = 'a.txt: not a readable image (Input buffer contains unsupported image format)';
  const refused = analyst.analyze(picture('a.txt'), quiet);
  await turn();
  workers[0]!.tell({ kind: 'failed', message, path: 'a.txt' });
  const error: unknown = await refused.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(DataError);
  expect(String(error)).toBe(`DataError: ${message}`);
  expect(workers[0]!.isEnded).toBe(false);

  const failed = analyst.analyze(picture('b.jpg'), quiet);
  await turn();
  workers[0]!.onerror!({ message: 'out of memory' });
  await expect(failed).rejects.toThrow('the worker has ended: out of memory');
  expect(workers[0]!.isEnded).toBe(true);
});

test('a page that is not isolated is told what it lacks', async () => {
  vi.stubGlobal('crossOriginIsolated', false);
  await expect(createBrowserAnalyst()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[UsageError: This browser cannot look at pictures by itself here: the page must be cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, over https]`,
  );
});
