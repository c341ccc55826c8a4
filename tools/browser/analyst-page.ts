/** The page of the tests of analyses in the browser: an analyst, with nothing to look at. */
import type { Analysis } from '@forgelens/analysis';
import { createBrowserAnalyst } from '../../apps/web/src/browser-analyst.ts';
import type { Decoded } from './decode-worker.ts';

/** What came of a picture, as a test can be handed it. */
export interface Seen {
  readonly analysis: Analysis;
  /** The PNG files, in Base64. */
  readonly files: Readonly<Record<string, string>>;
  readonly report: string;
  readonly stages: readonly string[];
}

// This workspace is typed for Node.
declare class Worker {
  constructor(url: string, options: { type: 'module' });
  postMessage(message: object): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
}

const opened = createBrowserAnalyst();
const bytesOf = (base64: string) => Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));

async function see(name: string, base64: string): Promise<Seen> {
  const stages: string[] = [];
  const options = {
    signal: new AbortController().signal,
    progress: ({ stage }: { readonly stage: string }) => void (stages.at(-1) === stage || stages.push(stage)),
  };
  const { analysis, files, report } = await (await opened).analyze({ name, bytes: bytesOf(base64) }, options);
  const encoded: Record<string, string> = {};
  for (const [file, png] of files) {
    const bytes = new Uint8Array(await png.arrayBuffer());
    encoded[file] = btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
  }
  return { analysis, files: encoded, stages, report: await (await report()).text() };
}

/** What a picture is answered with that is stopped as soon as it is decoded, or that is none. */
async function refuse(name: string, base64: string): Promise<string> {
  const controller = new AbortController();
  const options = {
    signal: controller.signal,
    progress: ({ stage }: { readonly stage: string }) => stage === 'locate' && controller.abort(new Error('stopped')),
  };
  return (await opened).analyze({ name, bytes: bytesOf(base64) }, options).then(() => 'taken', String);
}

const decoder = new Worker('/decode-worker.js', { type: 'module' });
const decode = (name: string, base64: string): Promise<Decoded> =>
  new Promise(resolve => {
    decoder.onmessage = ({ data }) => resolve(data as Decoded);
    decoder.postMessage({ name, bytes: bytesOf(base64) });
  });

const tests = { see, refuse, decode };
export type Tests = typeof tests;
Object.assign(globalThis, tests);
