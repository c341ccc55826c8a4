import { Worker } from 'node:worker_threads';
import { DataError, UsageError } from '@forgelens/autograd';
import { reportOf } from './evaluate-localizer.ts';
import type { Evaluation } from './evaluate-localizer.ts';
import type { MapEntry, MapsFolder } from './maps-folder.ts';
import { readMap, shortHash } from './maps-folder.ts';
import type { Protocol } from './protocols/protocol.ts';
import type { Excluded } from './report.ts';
import type { TallyParts } from './tally.ts';
import { Tally } from './tally.ts';

export interface ScoreOptions {
  readonly protocols: readonly Protocol[];
  /** These sets only; all without. */
  readonly sets?: readonly string[];
  /** Threads; the results are the same to the last bit for any number. */
  readonly workers?: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/** A thread's share of the work. */
export interface ScoreJob {
  readonly folder: string;
  readonly entries: readonly MapEntry[];
  readonly protocols: readonly Protocol[];
}

/** What a thread says: that one more image is done, or all that it has found. */
export type ScoreAnswer = { readonly done: number } | { readonly parts: TallyParts; readonly excluded: Excluded[] };

/**
 * Scores the maps of a folder by any protocols, without a network.
 *
 * A map that cannot be read is excluded and listed with the reason; the others are scored.
 *
 * @throws {UsageError} when the folder's evaluation did not come to its end, or has none of the sets.
 */
export async function scoreMaps(
  maps: MapsFolder,
  { protocols, sets, workers = 1, onProgress, signal }: ScoreOptions,
): Promise<Evaluation> {
  if (maps.missing > 0)
    throw new UsageError(
      `${maps.folder} has maps of ${maps.header.samples - maps.missing} of ${maps.header.samples} pictures; run its evaluation again to make the others`,
    );
  const known = [...new Set([...maps.images(), ...maps.excluded()].map(({ set }) => set))].sort();
  const unknown = sets?.filter(set => !known.includes(set)) ?? [];
  if (unknown.length > 0)
    throw new UsageError(`no set ${unknown.join(', ')} in ${maps.folder} (sets: ${known.join(', ')})`);
  const isAsked = ({ set }: { readonly set: string }) => sets?.includes(set) ?? true;
  const entries = maps.images().filter(isAsked);

  let done = 0;
  const step = () => onProgress?.(++done);
  const threads = Math.max(1, Math.min(workers, entries.length));
  const jobs = Array.from({ length: threads }, (_, thread): ScoreJob => ({
    folder: maps.folder,
    entries: entries.filter((_, i) => i % threads === thread),
    protocols,
  }));
  const found = await Promise.all(jobs.map(job => (threads === 1 ? scoreEntries : scoreInThread)(job, step, signal)));

  const tally = new Tally(protocols);
  for (const { parts } of found) tally.merge(parts);
  const unreadable = found.flatMap(({ excluded }) => excluded);
  return reportOf(tally, [...maps.excluded().filter(isAsked), ...unreadable], maps.header.manifestSha256);
}

/** Scores a share of the images, one after the other. */
export async function scoreEntries(
  { folder, entries, protocols }: ScoreJob,
  step: () => void,
  signal?: AbortSignal,
): Promise<{ readonly parts: TallyParts; readonly excluded: Excluded[] }> {
  const tally = new Tally(protocols);
  const excluded: Excluded[] = [];
  for (const entry of entries) {
    signal?.throwIfAborted();
    try {
      tally.add(await readMap(folder, entry));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      excluded.push({ id: entry.id, set: entry.set, error: error.message });
    }
    step();
  }
  return { parts: tally.toParts(), excluded };
}

/** The worker lies beside this file: JavaScript when built, and in development TypeScript, which tsx loads. */
function scoreInThread(job: ScoreJob, step: () => void, signal?: AbortSignal): ReturnType<typeof scoreEntries> {
  const file = import.meta.url.endsWith('.ts') ? './score-worker.dev.mjs' : './score-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: job });
  const found = new Promise<Awaited<ReturnType<typeof scoreEntries>>>((resolve, reject) => {
    worker.on('message', (answer: ScoreAnswer) => {
      if ('done' in answer) step();
      else resolve(answer);
    });
    worker.on('error', reject);
    worker.on('exit', code => reject(new Error(`scoreMaps: a thread ended with ${code} before it was done`)));
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return found.finally(() => worker.terminate());
}

/**
 * Whether the numbers of folders may stand beside each other.
 *
 * @throws {UsageError} when they are of other lists of pictures, or a picture or mask of one is another file in the other.
 */
export function checkComparable(folders: readonly MapsFolder[]): void {
  const [first, ...others] = folders;
  for (const other of others) {
    const pair = `${first!.folder} and ${other.folder}`;
    const [one, two] = [first!.header.manifestSha256, other.header.manifestSha256];
    if (one !== two)
      throw new UsageError(
        `${pair} are of different lists of pictures (manifests ${shortHash(one)} and ${shortHash(two)}); score each by itself`,
      );
    const hashes = new Map(first!.images().map(entry => [`${entry.set}/${entry.id}`, filesOf(entry)]));
    const changed = other.images().find(entry => {
      const before = hashes.get(`${entry.set}/${entry.id}`);
      return before !== undefined && before !== filesOf(entry);
    });
    if (changed)
      throw new UsageError(
        `${pair} have different files of ${changed.set}/${changed.id}: its picture or mask was changed; make both anew`,
      );
  }
}

const filesOf = ({ imageSha256, masksSha256 }: MapEntry): string => [imageSha256, ...masksSha256].join();
