import type { Job, Queue } from './queue.ts';
import type { Work } from './work.ts';
import type { WorkerPool } from './worker-pool.ts';

/** The queue of one process: jobs wait in memory. */
export class LocalQueue implements Queue {
  private readonly begun = new Map<string, Promise<void>>();
  private readonly pool: WorkerPool;
  private readonly work: Work;

  constructor(pool: WorkerPool, work: Work) {
    this.pool = pool;
    this.work = work;
  }

  get isReady(): boolean {
    return this.pool.isReady;
  }

  get problem(): string | null {
    return this.pool.problem;
  }

  get meanJobMs(): number {
    return this.pool.meanJobMs;
  }

  counts = (): ReturnType<Queue['counts']> => Promise.resolve(this.pool.counts);

  add(job: Job): Promise<void> {
    if (!this.begun.has(job.id))
      this.begun.set(
        job.id,
        this.work(job).finally(() => this.begun.delete(job.id)),
      );
    return Promise.resolve();
  }

  cancel(id: string): Promise<void> {
    this.pool.cancel(id);
    return Promise.resolve();
  }

  async drain(): Promise<void> {
    while (this.begun.size > 0) await Promise.all(this.begun.values());
  }

  close(): Promise<void> {
    this.pool.close();
    return Promise.resolve();
  }
}
