import { Queue as BullQueue, Worker as BullWorker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Analyses } from './analyses.ts';
import { isEnded } from './analyses.ts';
import type { Job, Queue } from './queue.ts';
import type { Settings } from './settings.ts';
import type { Work } from './work.ts';
import type { WorkerPool } from './worker-pool.ts';

const name = 'forgelens';

export interface RedisQueueOptions {
  readonly redis: Redis;
  readonly analyses: Analyses;
  readonly pool: WorkerPool;
  readonly work: Work;
  readonly settings: Pick<Settings, 'workers' | 'lostAfterMs'>;
  readonly log: (text: string) => void;
}

/**
 * The queue of several servers: BullMQ (https://docs.bullmq.io) on Redis. It holds ids; the pictures are with the
 * analyses. What a server had begun is begun again by another one soon after it has ended without a word.
 */
export class RedisQueue implements Queue {
  private readonly queue: BullQueue;
  private readonly worker: BullWorker;
  private readonly redis: Redis;
  /** BullMQ's worker waits for Redis as long as it takes, where requests do not. */
  private readonly patient: Redis;
  private readonly pool: WorkerPool;

  constructor({ redis, analyses, pool, work, settings, log }: RedisQueueOptions) {
    this.redis = redis;
    this.pool = pool;
    this.patient = redis.duplicate({ maxRetriesPerRequest: null });
    this.patient.on('error', () => {}); // The worker tells of it.
    this.queue = new BullQueue(name, { connection: redis });
    this.worker = new BullWorker(
      name,
      async ({ id }) => {
        const job = await analyses.jobOf(id!);
        // Without one it was deleted, or done by somebody who could not say so.
        if (job === undefined) return;
        await work(job);
        const entry = await analyses.find(id!);
        if (entry && !isEnded(entry)) throw new Error('the server has closed before it was done');
      },
      {
        ...{ connection: this.patient, concurrency: settings.workers, autorun: false },
        // Servers may end in the middle, but whatever ends three of them is tried no more.
        ...{ lockDuration: settings.lostAfterMs, stalledInterval: settings.lostAfterMs / 2, maxStalledCount: 2 },
      },
    );
    const tell = (error: Error) => log(`Redis: ${error.message}`);
    this.queue.on('error', tell);
    this.worker.on('error', tell);
    this.worker.on('failed', (job, error) => {
      log(`analysis ${job?.id}: ${error.message}`);
      if (job?.id !== undefined && job.finishedOn !== undefined)
        analyses.set(job.id, { status: 'failed', failure: { kind: 'fault', message: error.message } }).catch(tell);
    });
    void pool.ready.then(() => this.worker.run()).catch(() => {}); // Whoever waits for the pool tells why.
  }

  get isReady(): boolean {
    return this.pool.isReady;
  }

  get problem(): string | null {
    return this.redis.status === 'ready' ? this.pool.problem : 'Redis does not answer';
  }

  get meanJobMs(): number {
    return this.pool.meanJobMs;
  }

  async counts(): ReturnType<Queue['counts']> {
    const { waiting = 0, prioritized = 0 } = await this.queue.getJobCounts('waiting', 'prioritized');
    return { waiting: waiting + prioritized, running: this.pool.counts.running };
  }

  async add({ id }: Job): Promise<void> {
    const retry = { attempts: 5, backoff: { type: 'exponential', delay: 2000 } };
    await this.queue.add('analysis', {}, { jobId: id, removeOnComplete: true, removeOnFail: true, ...retry });
  }

  async cancel(id: string): Promise<void> {
    this.pool.cancel(id);
    // What runs elsewhere is stopped there, as the analysis is gone.
    await this.queue.remove(id).catch(() => 0);
  }

  async drain(): Promise<void> {
    await this.worker.close();
  }

  async close(): Promise<void> {
    this.pool.close();
    await Promise.allSettled([this.worker.close(true), this.queue.close()]);
    this.patient.disconnect();
  }
}
