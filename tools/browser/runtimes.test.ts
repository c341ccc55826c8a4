/** The runtime suite on every runtime but node-cpu, where `packages/autograd` runs it: one body, all backends. */
import { fork } from 'node:child_process';
import type { CaseResult } from '@forgelens/autograd/testing/runtime-suite';
import { plumbing, suite, values } from '@forgelens/autograd/testing/runtime-suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenPage } from './chromium.ts';
import { folderOf, openPage, softwareGpu, whyNot } from './chromium.ts';
import type { WebRuntime } from './page.ts';

type Results = ReadonlyMap<string, string | null>;
const byName = (results: readonly CaseResult[]): Results => new Map(results.map(({ name, error }) => [name, error]));
const skipped = whyNot();
const title = (runtime: string): string => (skipped === null ? runtime : `${runtime} (skipped: ${skipped})`);
const minutes = 60_000;

/** One test per case; the cases are run together, before. */
function describeRuntime(
  runtime: string,
  cases: readonly { readonly name: string }[],
  run: (names: string[]) => Promise<Results>,
) {
  describe.skipIf(skipped !== null)(title(runtime), () => {
    let results: Results;
    beforeAll(async () => {
      results = await run(cases.map(({ name }) => name));
    }, 8 * minutes);
    for (const { name } of cases) test(name, () => expect(results.get(name)).toBeNull());
  });
}

let open: Promise<OpenPage> | null = null;
const chromium = (): Promise<OpenPage> =>
  (open ??= openPage(
    {
      'page.js': `${import.meta.dirname}/page.ts`,
      'worker.js': `${folderOf('@forgelens/autograd/runtime/web')}/worker.ts`,
    },
    { '/ort/': folderOf('onnxruntime-web/wasm') },
  ));
afterAll(async () => (await open)?.close());

type Run = (runtime: WebRuntime, names: readonly string[]) => Promise<{ results: CaseResult[]; turns: number }>;
async function runInChromium(runtime: WebRuntime, names: string[]): Promise<{ results: Results; turns: number }> {
  const { page } = await chromium();
  const { results, turns } = await page.evaluate(
    ([runtime, names]) => (globalThis as unknown as { run: Run }).run(runtime, names),
    [runtime, names] as const,
  );
  return { results: byName(results), turns };
}

// node-webgpu runs the kernels of web-webgpu on all gradients, and much faster.
const webCases = {
  'web-wasm': suite,
  'web-webgpu': [...plumbing, ...values],
  'web-wasm-worker': plumbing,
  'web-webgpu-worker': plumbing,
};
for (const [runtime, cases] of Object.entries(webCases) as [WebRuntime, typeof suite][])
  describeRuntime(runtime, cases, async names => (await runInChromium(runtime, names)).results);
describeRuntime('node-webgpu', suite, runOnNodeWebgpu);

test.skipIf(skipped !== null)(title('a page keeps turning while its worker computes'), async () => {
  const names = values.map(({ name }) => name);
  const { results, turns } = await runInChromium('web-wasm-worker', names);
  expect(results.size).toBe(names.length);
  expect(turns).toBeGreaterThan(10);
});

/** Runs the cases in processes of their own: one goes on where the last one was aborted. */
async function runOnNodeWebgpu(names: string[]): Promise<Results> {
  const results = new Map<string, string | null>();
  while (results.size < names.length) {
    let running: string | null = null;
    const child = fork(
      `${import.meta.dirname}/node-webgpu.ts`,
      names.filter(name => !results.has(name)),
      {
        execArgv: ['--import', 'tsx'],
        env: { VK_ICD_FILENAMES: softwareGpu, ...process.env },
      },
    );
    child.on('message', (message: { started: string } | { result: CaseResult }) => {
      if ('started' in message) running = message.started;
      else results.set(message.result.name, message.result.error);
    });
    const [code, signal] = await new Promise<[number | null, string | null]>(resolve =>
      child.on('exit', (code, signal) => resolve([code, signal])),
    );
    if (results.size === names.length) break;
    const end = `the process ended with ${signal ?? `exit code ${code}`}`;
    if (running === null) throw new Error(end);
    results.set(running, end);
  }
  return results;
}
