import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '@forgelens/analysis';
import type { Failure, Files, Job } from './queue.ts';

/** How far an analysis is. */
export type State =
  | { readonly status: 'queued' }
  | { readonly status: 'running'; readonly progress: Progress | null }
  | { readonly status: 'done'; readonly files: readonly string[] }
  | { readonly status: 'failed'; readonly failure: Failure };

/** What is known of one analysis: plain data, so that it can be kept anywhere. Times are in ms since 1970. */
export interface Entry {
  readonly id: string;
  /** Whose it is: only the same key sees it. Null where keys are not asked for. */
  readonly owner: string | null;
  /** Of the picture and of what to do with it. */
  readonly requestSha256: string;
  readonly createdAt: number;
  /** When it is forgotten; while it has not ended, later. */
  readonly expiresAt: number;
  readonly state: State;
}

/** The analyses that are known, for a while. Servers that share them know the same. */
export interface Analyses {
  /** Adds one that waits, unless there is one of that id. Gives whether it was added. */
  create(entry: Entry, job: Job): Promise<boolean>;
  find(id: string): Promise<Entry | undefined>;
  /** What to do, until it is done. */
  jobOf(id: string): Promise<Job | undefined>;
  /** Changes one, if it is still there. One that has ended is kept for a while from then on. */
  set(id: string, state: State, files?: Files): Promise<void>;
  file(id: string, name: string): Promise<Uint8Array | undefined>;
  delete(id: string): Promise<void>;
  /** Calls back at each change with how it is then, undefined when it is gone; gives what ends that. */
  listen(id: string, listener: Listener): () => void;
  /** Those that a server before this one has accepted and that nobody else will do. */
  unfinished(): Promise<readonly string[]>;
  /** A client has seen how it ended. */
  see(id: string): void;
  /** How many have ended, were not seen, and would be lost with this server. */
  readonly unseen: number;
  /** How many there are, and what their files take; null where others count. */
  counts(): { readonly kept: number; readonly bytes: number } | null;
  close(): Promise<void>;
}

export type Listener = (entry: Entry | undefined) => void;

export const isEnded = ({ state: { status } }: Entry): boolean => status === 'done' || status === 'failed';

export const sizeOf = (files: Files): number => Object.values(files).reduce((sum, { length }) => sum + length, 0);

/** How it is once it has ended, or after a while. */
export async function whenEnded(analyses: Analyses, id: string, waitMs: number): Promise<Entry | undefined> {
  const waiting = new AbortController();
  const forget = analyses.listen(id, entry => (entry === undefined || isEnded(entry)) && waiting.abort());
  try {
    const entry = await analyses.find(id);
    if (entry === undefined || isEnded(entry) || waitMs <= 0) return entry;
    await sleep(waitMs, undefined, { signal: waiting.signal }).catch(() => {});
    return await analyses.find(id);
  } finally {
    forget();
  }
}

/** Who wants to know of which analysis. */
export class Listeners {
  private readonly byId = new Map<string, Set<Listener>>();

  add(id: string, listener: Listener): () => void {
    const all = this.byId.get(id) ?? new Set();
    this.byId.set(id, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0 && this.byId.get(id) === all) this.byId.delete(id);
    };
  }

  has = (id: string): boolean => this.byId.has(id);

  tell(id: string, entry: Entry | undefined): void {
    for (const listener of this.byId.get(id) ?? []) listener(entry);
  }
}
