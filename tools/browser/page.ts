/** The page that Chromium opens: it runs the cases of one runtime and returns what went wrong. */
import { inWorker, webWasm, webWebgpu } from '@forgelens/autograd/runtime/web';
import type { CaseResult } from '@forgelens/autograd/testing/runtime-suite';
import { runCases, suite } from '@forgelens/autograd/testing/runtime-suite';

declare const location: { readonly origin: string };
const options = { files: `${location.origin}/ort/` };

const runtimes = {
  'web-wasm': () => webWasm({ ...options, threads: 2 }),
  'web-webgpu': () => webWebgpu(options),
  'web-wasm-worker': () => inWorker('wasm', options),
  'web-webgpu-worker': () => inWorker('webgpu', options),
};
export type WebRuntime = keyof typeof runtimes;

/** Runs the named cases, and counts how often the page's event loop turned meanwhile. */
async function run(runtime: WebRuntime, names: readonly string[]): Promise<{ results: CaseResult[]; turns: number }> {
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  const opened = runtimes[runtime]();
  const results = await runCases(
    opened,
    suite.filter(({ name }) => names.includes(name)),
  );
  await opened.close();
  clearInterval(count);
  return { results, turns };
}

Object.assign(globalThis, { run });
