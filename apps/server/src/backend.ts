import { UsageError } from '@forgelens/autograd';
import type { Analyses } from './analyses.ts';
import { LocalQueue } from './local-queue.ts';
import { MemoryAnalyses } from './memory-analyses.ts';
import type { Metrics } from './metrics.ts';
import { createMetrics } from './metrics.ts';
import type { Queue } from './queue.ts';
import type { Settings } from './settings.ts';
import { SqliteAnalyses } from './sqlite-analyses.ts';
import { workWith } from './work.ts';
import { WorkerPool } from './worker-pool.ts';
import type { StartWorker } from './worker.ts';

/** What stands behind the answers of a server. */
export interface Backend {
  readonly analyses: Analyses;
  readonly queue: Queue;
  readonly pool: WorkerPool;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

export interface BackendOptions {
  readonly settings: Settings;
  readonly startWorker: StartWorker;
  /** Whether the metrics tell of the process, too. */
  readonly measuresProcess: boolean;
  readonly log: (text: string) => void;
}

/**
 * Pictures wait in this process and results are kept in memory, or in a file, or both in a Redis that servers share.
 *
 * @throws {UsageError} when the file or the Redis cannot be used
 */
export async function openBackend(options: BackendOptions): Promise<Backend> {
  const { settings } = options;
  if (settings.redis !== null && settings.store !== null)
    throw new UsageError('results are kept in a file or in Redis, not in both; leave one away');
  if (settings.redis !== null) return openShared(settings.redis, options);
  const analyses =
    settings.store === null ? new MemoryAnalyses(settings) : new SqliteAnalyses(settings.store, settings);
  const { pool, metrics, work } = startWork(analyses, options);
  const queue = new LocalQueue(pool, work);
  for (const id of await analyses.unfinished()) await queue.add((await analyses.jobOf(id))!);
  return {
    ...{ analyses, queue, pool, metrics },
    async close() {
      await queue.close();
      await analyses.close();
    },
  };
}

async function openShared(url: string, options: BackendOptions): Promise<Backend> {
  const { settings, log } = options;
  const [{ Redis }, { RedisAnalyses }, { RedisQueue }] = await Promise.all([
    import('ioredis'),
    import('./redis-analyses.ts'),
    import('./redis-queue.ts'),
  ]).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError('sharing a Redis needs two more packages; npm install bullmq ioredis', { cause: error });
  });
  // Who asks is told soon that Redis does not answer.
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 2 });
  let reason = '';
  redis.on('error', ({ message }: Error) => {
    reason = message;
    log(`Redis: ${message}`);
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new UsageError(`no Redis answers at ${withoutPassword(url)} (${reason}); start one, or name another`, {
      cause: error,
    });
  }
  const analyses = await RedisAnalyses.open(redis, settings);
  const { pool, metrics, work } = startWork(analyses, options);
  const queue = new RedisQueue({ redis, analyses, pool, work, settings, log });
  return {
    ...{ analyses, queue, pool, metrics },
    async close() {
      await queue.close();
      await analyses.close();
      redis.disconnect();
    },
  };
}

function startWork(analyses: Analyses, { settings, startWorker, measuresProcess, log }: BackendOptions) {
  const pool = new WorkerPool(startWorker, settings, log);
  const metrics = createMetrics(pool, analyses, measuresProcess);
  return { pool, metrics, work: workWith({ pool, analyses, metrics, log }) };
}

const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//…@');
