import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@forgelens/autograd';
import { createApp, defaultSettings, listenWith, openBackend, workerProcesses } from '@forgelens/server';
import type { Mutant } from './mutate.ts';
import { mutantOf } from './mutate.ts';
import { makeSeeds } from './seeds.ts';

export interface FuzzOptions {
  /** The numbers of the mutations. */
  readonly indices: readonly number[];
  readonly seed: number;
  /** Pictures at the same time. */
  readonly workers: number;
  /** One that takes longer hangs. */
  readonly maxJobMs: number;
  /** Told after each, with how many failed so far. */
  readonly onProgress?: (done: number, failed: number) => void;
}

export interface FuzzReport {
  /** How many answers there were, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** What must not be: crashes, hangs, answers of 5xx, and none. */
  readonly failures: readonly { readonly mutant: Mutant; readonly reason: string }[];
  readonly log: readonly string[];
  readonly restarts: number;
}

/**
 * Sends mutated pictures to a server over HTTP, where they are decoded and examined in worker processes as any other,
 * only without a network.
 */
export async function fuzz({ indices, seed, workers, maxJobMs, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const seeds = await makeSeeds();
  const random = new Random(seed);
  const settings = { ...defaultSettings, workers, maxJobMs, maxPixels: 2e5, quickMs: 10 * maxJobMs, maxStoredBytes: 1 };
  const log: string[] = [];
  const startWorker = workerProcesses(
    { model: 'none', maxPixels: settings.maxPixels, maxFrames: settings.maxFrames },
    new URL('worker.ts', import.meta.url),
  );
  const note = (text: string) => void log.push(text);
  const backend = await openBackend({ settings, startWorker, measuresProcess: false, log: note });
  const app = createApp({ settings, backend, model: 'none', cards: () => Promise.resolve([]), log: note });
  const server = listenWith(app, { requestTimeoutMs: 60_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/analyses`;

  const statuses: Record<string, number> = {};
  const failures: { mutant: Mutant; reason: string }[] = [];
  const queue = [...indices];
  let done = 0;
  const send = async ({ bytes }: Mutant): Promise<number | string> => {
    const form = new FormData();
    form.append('file', new File([Uint8Array.from(bytes)], 'mutant'));
    try {
      const response = await fetch(url, { method: 'POST', body: form });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      return String(error);
    }
  };
  const client = async () => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const mutant = mutantOf(index, seeds, random);
      let status = await send(mutant);
      // On a busy machine once may be chance.
      if (status === 503) {
        note(`${mutant.label}: seems to hang`);
        status = await send(mutant);
      }
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 503) failures.push({ mutant, reason: 'it hangs' });
      else if (typeof status === 'string' || status >= 500 || status === 202)
        failures.push({ mutant, reason: `answer ${status}` });
      onProgress?.(++done, failures.length);
    }
  };
  try {
    await backend.pool.ready;
    await Promise.all(Array.from({ length: workers }, client));
    // A worker that ended with its last answer is known a moment later.
    await sleep(100);
    return { statuses, failures, log, restarts: backend.pool.counts.restarts };
  } finally {
    server.close();
    server.closeAllConnections();
    await backend.close();
  }
}
