import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { onTestFinished } from 'vitest';
import { createApp } from '../app.ts';
import { openBackend } from '../backend.ts';
import type { Settings } from '../settings.ts';
import { defaultSettings } from '../settings.ts';
import type { Behaviour } from './workers.ts';
import { card, workersHere } from './workers.ts';

/** A server without a socket and without processes. */
export async function testServer(
  given: Partial<Settings> = {},
  behave: Behaviour = () => 'look',
  canStart = () => true,
) {
  const settings: Settings = { ...defaultSettings, quickMs: 30_000, ...given };
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  const startWorker = workersHere(settings, behave, canStart);
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
