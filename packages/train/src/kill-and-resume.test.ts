import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@forgelens/autograd';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StepRecord } from './run-folder.ts';
import { RunFolder } from './run-folder.ts';
import { tinyConfig, tinyRun } from './testing/tiny-run.ts';

const program = fileURLToPath(new URL('testing/tiny-run.ts', import.meta.url));

let root: string;
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'forgelens-train-'))));
afterAll(() => rm(root, { recursive: true }));

/** Starts the tiny training in a process of its own and kills it `delayMs` after it has said that `step` is done. */
async function killed(folder: string, resume: boolean, step: number, delayMs: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', program, folder, ...(resume ? ['resume'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.on('data', (text: Buffer) => {
    if (
      text
        .toString()
        .split('\n')
        .some(line => line !== '' && Number(line) >= step)
    )
      setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

const losses = async (folder: string): Promise<[number, number][]> =>
  (await new RunFolder(folder).readMetrics())
    .filter((record): record is StepRecord => record.kind === 'step')
    .map(({ step, loss }) => [step, loss]);

test('a training killed at several moments has the same losses and weights, to the last bit, as one that was not', async () => {
  const [whole, cut] = [join(root, 'whole'), join(root, 'cut')];
  await tinyRun(whole, tinyConfig());
  // Before the first checkpoint, around the writing of one, and between two.
  await killed(cut, false, 2, 0);
  await killed(cut, true, 8, 1);
  await killed(cut, true, 15, 3);
  await killed(cut, true, 22, 0);
  await tinyRun(cut, tinyConfig(), { resume: true });

  const expected = await losses(whole);
  expect(expected.map(([step]) => step)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
  expect(await losses(cut)).toEqual(expected);
  const last = async (folder: string) => readSafetensors(await readFile(join(folder, 'checkpoint-80.safetensors')));
  expect(await last(cut)).toEqual(await last(whole));
});
