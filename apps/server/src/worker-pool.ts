import type { Progress } from '@forgelens/analysis';
import type { Failure, Files, Job } from './queue.ts';
import type { Settings } from './settings.ts';
import type { StartWorker, Worker, WorkerEvent } from './worker.ts';

/** How a job ended. */
export type Outcome =
  | { readonly kind: 'done'; readonly files: Files }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'cancelled' };

/** What is told of a job before it ends. */
export interface JobListener {
  started(): void;
  progress(progress: Progress): void;
}

interface Entry {
  readonly job: Job;
  readonly listener: JobListener;
  readonly end: (outcome: Outcome) => void;
  attempts: number;
}

/** A place for a worker: the one that is there, and what it does. */
interface Slot {
  worker: Worker;
  isReady: boolean;
  /** How often in a row a worker ended before it was ready. */
  failures: number;
  entry: Entry | null;
  startedAt: number;
  /** Why it is being ended: as the job took too long, or to put another in its place. */
  verdict: Failure | 'replace' | null;
  timers: NodeJS.Timeout[];
}

/** A worker that cannot even start is started again after a while, at most this. */
const longestPauseMs = 30_000;

/** After so many in a row the pool says that it has a problem; it goes on trying. */
const manyFailures = 3;

type PoolSettings = Pick<Settings, 'workers' | 'maxJobMs' | 'stallMs'>;

/**
 * The workers of one process, and the jobs that wait for them in memory. A worker that ends by itself, or tells no
 * progress for too long, is replaced, and its job begins again, once.
 */
export class WorkerPool {
  meanJobMs = 10_000;
  /** Resolves when a worker can do jobs; rejects when the first that tries cannot start, and says why. */
  readonly ready: Promise<void>;
  private tellReady!: { readonly resolve: () => void; readonly reject: (reason: Error) => void };
  private lastReason = '';
  private readonly waiting: Entry[] = [];
  private readonly slots: Slot[] = [];
  private readonly start: StartWorker;
  private readonly settings: PoolSettings;
  private readonly log: (text: string) => void;
  private restarts = 0;
  private closed = false;

  constructor(start: StartWorker, settings: PoolSettings, log: (text: string) => void) {
    this.start = start;
    this.settings = settings;
    this.log = log;
    this.ready = new Promise((resolve, reject) => (this.tellReady = { resolve, reject }));
    this.ready.catch(() => {}); // It may be that nobody waits for it.
    for (let i = 0; i < settings.workers; i++) {
      const slot: Slot = {
        ...{ worker: null as unknown as Worker, isReady: false, failures: 0 },
        ...{ entry: null, startedAt: 0, verdict: null, timers: [] },
      };
      this.slots.push(slot);
      this.fill(slot);
    }
  }

  get isReady(): boolean {
    return this.slots.some(({ isReady }) => isReady);
  }

  /** Why no worker can load the model, after it was tried often; else null. */
  get problem(): string | null {
    const failures = Math.min(...this.slots.map(({ failures }) => failures));
    if (this.isReady || failures < manyFailures) return null;
    return `the workers cannot load the model: tried ${failures} times, ${this.lastReason}`;
  }

  get counts(): { readonly waiting: number; readonly running: number; readonly restarts: number } {
    const running = this.slots.filter(({ entry }) => entry !== null).length;
    return { waiting: this.waiting.length, running, restarts: this.restarts };
  }

  /** Has a job done when all that came before it are. It never rejects. */
  run(job: Job, listener: JobListener): Promise<Outcome> {
    return new Promise(end => {
      this.waiting.push({ job, listener, end, attempts: 0 });
      this.assign();
    });
  }

  cancel(id: string): void {
    const place = this.waiting.findIndex(({ job }) => job.id === id);
    if (place >= 0) this.waiting.splice(place, 1)[0]!.end({ kind: 'cancelled' });
    const slot = this.slots.find(({ entry }) => entry?.job.id === id);
    if (slot) {
      slot.entry!.end({ kind: 'cancelled' });
      this.release(slot);
      this.end(slot, 'replace');
    }
  }

  /** Ends all workers; what waits or runs is cancelled. */
  close(): void {
    this.closed = true;
    for (const { end } of this.waiting.splice(0)) end({ kind: 'cancelled' });
    for (const slot of this.slots) {
      slot.entry?.end({ kind: 'cancelled' });
      this.release(slot);
      slot.worker.kill();
    }
  }

  /** Puts a new worker into a slot. */
  private fill(slot: Slot): void {
    slot.isReady = false;
    slot.verdict = null;
    slot.worker = this.start(event => this.hear(slot, event));
    slot.timers = [this.watch(slot)];
  }

  private assign(): void {
    for (const slot of this.slots) {
      if (!slot.isReady || slot.verdict !== null || slot.entry !== null) continue;
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      slot.entry = entry;
      slot.startedAt = performance.now();
      entry.attempts++;
      const seconds = this.settings.maxJobMs / 1000;
      const late: Failure = { kind: 'time', message: `it took longer than ${seconds} s; give a smaller picture` };
      slot.timers = [setTimeout(() => this.end(slot, late), this.settings.maxJobMs), this.watch(slot)];
      entry.listener.started();
      slot.worker.send(entry.job);
    }
  }

  private watch(slot: Slot): NodeJS.Timeout {
    return setTimeout(() => this.end(slot, 'replace'), this.settings.stallMs);
  }

  private end(slot: Slot, verdict: Failure | 'replace'): void {
    slot.verdict = verdict;
    slot.worker.kill();
  }

  private hear(slot: Slot, event: WorkerEvent): void {
    if (this.closed) return;
    if (event.kind === 'ready') {
      this.release(slot);
      slot.isReady = true;
      slot.failures = 0;
      this.tellReady.resolve();
      this.assign();
      return;
    }
    if (event.kind === 'exit') {
      this.replace(slot, event.reason);
      return;
    }
    const { entry } = slot;
    if (entry === null || slot.verdict !== null) return;
    if (event.kind === 'progress') {
      clearTimeout(slot.timers[1]);
      slot.timers[1] = this.watch(slot);
      entry.listener.progress(event.progress);
      return;
    }
    const took = performance.now() - slot.startedAt;
    this.meanJobMs += (took - this.meanJobMs) / 8;
    this.release(slot);
    if (event.kind === 'done') entry.end({ kind: 'done', files: event.files });
    else fail(entry, event.isPicture ? 'picture' : 'fault', event.message);
    this.assign();
  }

  /** A worker has ended: another takes its place, and its job begins again unless it was the second time. */
  private replace(slot: Slot, reason: string): void {
    const { entry, verdict, isReady } = slot;
    this.release(slot);
    this.restarts++;
    if (entry) {
      if (verdict !== null && verdict !== 'replace') fail(entry, verdict.kind, verdict.message);
      else if (entry.attempts < 2) this.waiting.unshift(entry);
      else {
        const why = verdict === null ? reason : 'it told no progress';
        fail(entry, 'fault', `two workers ended while they did it (${why})`);
      }
    }
    if (isReady) this.fill(slot);
    else {
      slot.failures++;
      this.lastReason = verdict === null ? reason : `not ready after ${this.settings.stallMs / 1000} s`;
      this.tellReady.reject(new Error(this.lastReason));
      this.log(`a worker could not load the model: ${this.lastReason}`);
      const pause = Math.min(longestPauseMs, 100 * 2 ** slot.failures);
      setTimeout(() => this.closed || this.fill(slot), pause).unref();
    }
  }

  /** Makes a slot free. */
  private release(slot: Slot): void {
    slot.timers.forEach(clearTimeout);
    slot.entry = null;
    slot.timers = [];
  }
}

const fail = ({ end }: Entry, kind: Failure['kind'], message: string): void =>
  end({ kind: 'failed', failure: { kind, message } });
