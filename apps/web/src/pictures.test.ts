import { DataError } from '@forgelens/autograd';
import { expect, test, vi } from 'vitest';
import type { Analyst, Findings } from './analyst.ts';
import { Pictures } from './pictures.ts';

const found = {} as Findings;
const file = (name: string) => new File(['bytes'], name);

/** An analyst that is told by the test when it is done. */
function controlled() {
  const asked: { name: string; signal: AbortSignal; done: () => void; fail: (error: Error) => void }[] = [];
  const analyst: Analyst = {
    place: 'server',
    analyze: ({ name }, { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        asked.push({ name, signal, done: () => resolve(found), fail: reject });
      }),
  };
  const pictures = new Pictures(
    async () => analyst,
    () => {},
  );
  const names = () => asked.map(({ name }) => name);
  const states = () => pictures.items.map(({ state }) => state.kind);
  return { pictures, asked, names, states };
}

test('a server is given two pictures at a time, in their order', async () => {
  const { pictures, asked, names, states } = controlled();
  pictures.add([file('a'), file('b'), file('c')], 'server');
  await vi.waitFor(() => expect(names()).toEqual(['a', 'b']));
  asked[1]!.done();
  await vi.waitFor(() => expect(names()).toEqual(['a', 'b', 'c']));
  expect(states()).toEqual(['running', 'done', 'running']);
});

test('a browser is given one picture at a time', async () => {
  const { pictures, names } = controlled();
  pictures.add([file('a'), file('b')], 'browser');
  await vi.waitFor(() => expect(names()).toEqual(['a']));
});

test('what is removed is stopped, and the next one begins', async () => {
  const { pictures, asked, names } = controlled();
  const [a] = pictures.add([file('a'), file('b')], 'browser');
  await vi.waitFor(() => expect(names()).toEqual(['a']));
  pictures.remove(a!.id);
  expect(asked[0]!.signal.aborted).toBe(true);
  await vi.waitFor(() => expect(names()).toEqual(['a', 'b']));
  expect(pictures.items).toHaveLength(1);
});

test('what failed says why, and may be tried again', async () => {
  const { pictures, asked, names, states } = controlled();
  const [a] = pictures.add([file('a')], 'server');
  await vi.waitFor(() => expect(names()).toEqual(['a']));
  asked[0]!.fail(new DataError('a', 'not a readable image (the file is empty)'));
  await vi.waitFor(() => expect(states()).toEqual(['failed']));
  expect(pictures.items[0]!.state).toEqual({
    kind: 'failed',
    trouble: {
      title: 'This picture cannot be looked at',
      detail: 'a: not a readable image (the file is empty)',
      canRetry: false,
      needsKey: false,
    },
  });
  pictures.retry([a!.id]);
  await vi.waitFor(() => expect(names()).toEqual(['a', 'a']));
});

test('a fault is told without where in the program it came from', async () => {
  const { pictures, asked, names, states } = controlled();
  pictures.add([file('a')], 'browser');
  await vi.waitFor(() => expect(names()).toEqual(['a']));
  asked[0]!.fail(new Error('RangeError: out of memory\n    at analysis-worker.js:1:1'));
  await vi.waitFor(() => expect(states()).toEqual(['failed']));
  expect(pictures.items[0]!.state).toMatchObject({
    trouble: { title: 'Something went wrong', detail: 'RangeError: out of memory', canRetry: true },
  });
});

test('an address is called by the last part of its path, or by its host', () => {
  const { pictures } = controlled();
  const added = pictures.add([new URL('https://a.example/b/c.jpg?d'), new URL('https://a.example/')], 'server');
  expect(added.map(({ name }) => name)).toEqual(['c.jpg', 'a.example']);
});
