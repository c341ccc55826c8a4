import { randomUUID } from 'node:crypto';
import type { Progress } from '@forgelens/analysis';
import type { Problem } from './problems.ts';
import type { Product } from './queue.ts';

/** What is known of one analysis. */
export interface Entry {
  readonly id: string;
  /** Whose it is: only the same key sees it. Null where keys are not asked for. */
  readonly owner: string | null;
  readonly createdAt: Date;
  /** When it is forgotten; while it is not done, later. */
  expiresAt: Date;
  status: 'queued' | 'running' | 'done' | 'failed';
  progress: Progress | null;
  product: Product | null;
  problem: Problem | null;
  /** Whether a client has seen how it ended. */
  seen: boolean;
}

/** The analyses of a server. In memory, for a while: nothing is written anywhere. */
export class Analyses {
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly keepMs: number;
  private readonly maxBytes: number;
  private bytes = 0;

  constructor({ keepMs, maxStoredBytes }: { keepMs: number; maxStoredBytes: number }) {
    this.keepMs = keepMs;
    this.maxBytes = maxStoredBytes;
  }

  create(owner: string | null): Entry {
    this.sweep();
    const createdAt = new Date();
    const entry: Entry = {
      ...{ id: randomUUID(), owner, createdAt, expiresAt: new Date(createdAt.getTime() + this.keepMs) },
      ...{ status: 'queued', progress: null, product: null, problem: null, seen: false },
    };
    this.entries.set(entry.id, entry);
    return entry;
  }

  /** The analysis; undefined where there is none, no longer, or it is somebody else's. */
  find(id: string, owner: string | null): Entry | undefined {
    this.sweep();
    const entry = this.entries.get(id);
    return entry?.owner === owner ? entry : undefined;
  }

  update(entry: Entry, change: Partial<Entry>): void {
    // It may have been deleted while it was worked on.
    if (!this.entries.has(entry.id)) return;
    Object.assign(entry, change);
    if (isEnded(entry)) {
      entry.expiresAt = new Date(Date.now() + this.keepMs);
      this.bytes += sizeOf(entry);
      // The last to end are the last to go.
      this.entries.delete(entry.id);
      this.entries.set(entry.id, entry);
      this.sweep();
    }
    for (const listener of this.listeners.get(entry.id) ?? []) listener();
  }

  delete(entry: Entry): void {
    if (!this.entries.delete(entry.id)) return;
    if (isEnded(entry)) this.bytes -= sizeOf(entry);
    for (const listener of this.listeners.get(entry.id) ?? []) listener();
  }

  /** Calls back at each change; gives what ends that. */
  listen(entry: Entry, listener: () => void): () => void {
    const all = this.listeners.get(entry.id) ?? new Set();
    this.listeners.set(entry.id, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0) this.listeners.delete(entry.id);
    };
  }

  /** Waits for the end, or for as long as is said. */
  ended(entry: Entry, waitMs: number): Promise<void> {
    if (isEnded(entry) || waitMs <= 0) return Promise.resolve();
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      const forget = this.listen(entry, () => (isEnded(entry) || !this.entries.has(entry.id)) && done());
    });
  }

  /** How many are there, and what their results take. */
  get counts(): { readonly kept: number; readonly bytes: number } {
    return { kept: this.entries.size, bytes: this.bytes };
  }

  /** How many have ended and were not looked at. */
  get unseen(): number {
    return [...this.entries.values()].filter(entry => isEnded(entry) && !entry.seen).length;
  }

  /** Forgets what is too old, and the oldest of what is too much. */
  private sweep(): void {
    const now = Date.now();
    const ended = [...this.entries.values()].filter(isEnded);
    for (const entry of ended)
      if (entry.expiresAt.getTime() <= now || (this.bytes > this.maxBytes && entry !== ended.at(-1)))
        this.delete(entry);
  }
}

export const isEnded = ({ status }: Pick<Entry, 'status'>): boolean => status === 'done' || status === 'failed';

const sizeOf = ({ product }: Entry): number =>
  product === null
    ? 0
    : Object.values(product.pictures).reduce((sum, { length }) => sum + length, 0) + 2 * product.report.length;
