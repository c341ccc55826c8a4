import type { Failure, Job, JobListener, Queue } from './queue.ts';
import type { Settings } from './settings.ts';
import type { StartWorker, Worker, WorkerEvent } from './worker.ts';

interface Entry {
  readonly job: Job;
  readonly listener: JobListener;
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

/**
 * The queue of one process: jobs wait in memory and are done by workers. A worker that ends by itself, or tells no
 * progress for too long, is replaced, and its job begins again, once.
 */
export class WorkerQueue implements Queue {
  meanJobMs = 10_000;
  private readonly waiting: Entry[] = [];
  private readonly slots: Slot[] = [];
  private readonly start: StartWorker;
  private readonly settings: Pick<Settings, 'workers' | 'maxJobMs' | 'stallMs'>;
  private restarts = 0;
  private closed = false;
  private idlers: (() => void)[] = [];

  constructor(start: StartWorker, settings: Pick<Settings, 'workers' | 'maxJobMs' | 'stallMs'>) {
    this.start = start;
    this.settings = settings;
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

  get counts(): Queue['counts'] {
    const running = this.slots.filter(({ entry }) => entry !== null).length;
    return { waiting: this.waiting.length, running, restarts: this.restarts };
  }

  add(job: Job, listener: JobListener): void {
    this.waiting.push({ job, listener, attempts: 0 });
    this.assign();
  }

  cancel(id: string): void {
    const place = this.waiting.findIndex(({ job }) => job.id === id);
    if (place >= 0) this.waiting.splice(place, 1);
    const slot = this.slots.find(({ entry }) => entry?.job.id === id);
    if (slot) {
      this.release(slot);
      this.end(slot, 'replace');
    }
    this.tellIdle();
  }

  idle(): Promise<void> {
    return new Promise(resolve => {
      this.idlers.push(resolve);
      this.tellIdle();
    });
  }

  close(): void {
    this.closed = true;
    for (const slot of this.slots) {
      this.release(slot);
      slot.worker.kill();
    }
  }

  /** Puts a new worker into a slot. */
  private fill(slot: Slot): void {
    slot.isReady = false;
    slot.verdict = null;
    slot.worker = this.start(event => this.hear(slot, event));
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
      slot.isReady = true;
      slot.failures = 0;
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
    if (event.kind === 'done') entry.listener.done(event.product);
    else entry.listener.failed({ kind: event.isPicture ? 'picture' : 'fault', message: event.message });
    this.assign();
    this.tellIdle();
  }

  /** A worker has ended: another takes its place, and its job begins again unless it was the second time. */
  private replace(slot: Slot, reason: string): void {
    const { entry, verdict, isReady } = slot;
    this.release(slot);
    this.restarts++;
    if (entry) {
      if (verdict !== null && verdict !== 'replace') entry.listener.failed(verdict);
      else if (entry.attempts < 2) this.waiting.unshift(entry);
      else
        entry.listener.failed({
          kind: 'fault',
          message: `two workers ended while they did it (${verdict === null ? reason : 'it told no progress'})`,
        });
    }
    if (isReady) this.fill(slot);
    else {
      slot.failures++;
      const pause = Math.min(longestPauseMs, 100 * 2 ** slot.failures);
      setTimeout(() => this.closed || this.fill(slot), pause).unref();
    }
    this.tellIdle();
  }

  /** Makes a slot free. */
  private release(slot: Slot): void {
    slot.timers.forEach(clearTimeout);
    slot.entry = null;
    slot.timers = [];
  }

  private tellIdle(): void {
    const { waiting, running } = this.counts;
    if (waiting + running > 0) return;
    for (const resolve of this.idlers) resolve();
    this.idlers = [];
  }
}
