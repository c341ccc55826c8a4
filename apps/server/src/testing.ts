import type { ModelCard } from '@forgelens/localize';
import { seenWhole } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { onTestFinished } from 'vitest';
import { createApp } from './app.ts';
import { openBackend } from './backend.ts';
import { lookAt } from './look.ts';
import type { Job } from './queue.ts';
import type { Settings } from './settings.ts';
import { defaultSettings } from './settings.ts';
import type { StartWorker, WorkerEvent } from './worker.ts';

const card: ModelCard = {
  ...{ id: 'brightness', name: 'Brightness', source: 'made for tests', parameters: 0, input: 'red' },
  ...{ sizePolicy: 'native', weights: null, scores: [], limitations: ['It takes all that is bright for tampered.'] },
};

/** Takes for tampered what is bright. */
const localizer: Localizer = {
  info: {
    ...{ ...card, version: '1', licence: 'none needed', weightsSha256: '0'.repeat(64) },
    ...{ scoreRule: 'the highest probability', operatingPoint: null },
  },
  locate({ width, height, data }) {
    const probabilities = Float32Array.from({ length: width * height }, (_, i) => data[3 * i]! / 255);
    const score = probabilities.reduce((most, p) => Math.max(most, p), 0);
    return Promise.resolve({ width, height, probabilities, score, seen: seenWhole });
  },
  close: () => Promise.resolve(),
};

/** What a worker does with a job beside what it should: nothing, end at once, or nothing at all until it is let go. */
export type Behaviour = (job: Job) => 'look' | 'crash' | 'hang' | Promise<'look'>;

/** Workers of this process. */
export const workersHere =
  (settings: Settings, behave: Behaviour): StartWorker =>
  listener => {
    let isAlive = true;
    const tell = (event: WorkerEvent) => {
      if (isAlive) listener(event);
    };
    const kill = () => {
      if (!isAlive) return;
      isAlive = false;
      queueMicrotask(() => listener({ kind: 'exit', reason: 'SIGKILL' }));
    };
    queueMicrotask(() => tell({ kind: 'ready' }));
    return {
      send(job) {
        void Promise.resolve(behave(job)).then(behaviour => {
          if (behaviour === 'crash') kill();
          return behaviour === 'look' ? lookAt(job, localizer, settings, tell) : undefined;
        });
      },
      kill,
    };
  };

/** A server without a socket and without processes. */
export async function testServer(given: Partial<Settings> = {}, behave: Behaviour = () => 'look') {
  const settings: Settings = { ...defaultSettings, quickMs: 30_000, ...given };
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  const startWorker = workersHere(settings, behave);
  const backend = await openBackend({ settings, startWorker, measuresProcess: false, log });
  onTestFinished(() => backend.close());
  const cards = () => Promise.resolve([card]);
  const { app, drain } = createApp({ settings, backend, model: 'brightness', cards, log });
  await backend.pool.ready;
  return { app, drain, log: lines, ...backend };
}

export type TestServer = Awaited<ReturnType<typeof testServer>>;

/** A black picture with a white patch of 20×10 at (30, 40). */
export function patched(): Sharp {
  const data = new Uint8Array(100 * 80 * 3);
  for (let y = 40; y < 50; y++) data.fill(255, (y * 100 + 30) * 3, (y * 100 + 50) * 3);
  return sharp(data, { raw: { width: 100, height: 80, channels: 3 } });
}

/** A form with one picture and other fields. */
export function formOf(bytes: Uint8Array, fields: Readonly<Record<string, string>> = {}, name = 'photo.png'): FormData {
  const form = new FormData();
  form.append('file', new File([Uint8Array.from(bytes)], name));
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  return form;
}

/** Sends a form. */
export const post = (
  { app }: Pick<TestServer, 'app'>,
  body: RequestInit['body'],
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> => Promise.resolve(app.request('/v1/analyses', { method: 'POST', body, headers }));

/** An error as a client sees it. */
export async function problem(response: Response | Promise<Response>): Promise<string> {
  const answer = await response;
  const { status, headers } = answer;
  const body = (await answer.json()) as { type: string; status: number; detail: string };
  if (headers.get('content-type') !== 'application/problem+json' || body.status !== status) return 'not a problem';
  return `${status} ${body.type.split(':').at(-1)}: ${body.detail}`;
}
