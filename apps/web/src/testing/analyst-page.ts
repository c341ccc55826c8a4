/** The page of the tests of analyses in the browser: an analyst, with nothing to look at. */
import type { AnalystProgress } from '../analyst.ts';
import { createBrowserAnalyst } from '../browser-analyst.ts';
import type { Decoded, Seen, Tests } from './analyst-tests.ts';

const opened = createBrowserAnalyst();
const bytesOf = (base64: string) => Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));

async function see(name: string, base64: string): Promise<Seen> {
  const stages: string[] = [];
  const options = {
    signal: new AbortController().signal,
    progress({ stage }: AnalystProgress) {
      if (stages.at(-1) !== stage) stages.push(stage);
    },
  };
  const { analysis, files, report } = await (await opened).analyze({ name, bytes: bytesOf(base64) }, options);
  const encoded: Record<string, string> = {};
  for (const [file, png] of files) {
    const bytes = new Uint8Array(await png.arrayBuffer());
    encoded[file] = btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
  }
  return { analysis, files: encoded, stages, report: await (await report()).text() };
}

async function refuse(name: string, base64: string): Promise<string> {
  const controller = new AbortController();
  const options = {
    signal: controller.signal,
    progress({ stage }: AnalystProgress) {
      if (stage === 'locate') controller.abort(new Error('stopped'));
    },
  };
  return (await opened).analyze({ name, bytes: bytesOf(base64) }, options).then(() => 'taken', String);
}

const decoder = new Worker('/decode-worker.js', { type: 'module' });
const decode = (name: string, base64: string): Promise<Decoded> =>
  new Promise(resolve => {
    decoder.onmessage = ({ data }: MessageEvent<Decoded>) => resolve(data);
    decoder.postMessage({ name, bytes: bytesOf(base64) });
  });

Object.assign(globalThis, { see, refuse, decode } satisfies Tests);
