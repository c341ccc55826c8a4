import type { Analyses, State } from './analyses.ts';
import type { Metrics } from './metrics.ts';
import type { Job } from './queue.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface WorkOptions {
  readonly pool: WorkerPool;
  readonly analyses: Analyses;
  readonly metrics: Metrics;
  readonly log: (text: string) => void;
}

/** Has a worker of this process do a job, and writes what becomes of it. */
export type Work = (job: Job) => Promise<void>;

export const workWith =
  ({ pool, analyses, metrics, log }: WorkOptions): Work =>
  async job => {
    const { id } = job;
    // Whoever deletes an analysis, here or on another server, stops it.
    const forget = analyses.listen(id, entry => entry === undefined && pool.cancel(id));
    const tell = (state: State) =>
      void analyses.set(id, state).catch(error => log(`analysis ${id}: cannot tell how far it is: ${error}`));
    let startedAt = performance.now();
    try {
      const outcome = await pool.run(job, {
        started() {
          startedAt = performance.now();
          tell({ status: 'running', progress: null });
        },
        progress: progress => tell({ status: 'running', progress }),
      });
      if (outcome.kind === 'cancelled') return;
      metrics.seconds.observe((performance.now() - startedAt) / 1000);
      if (outcome.kind === 'done') {
        metrics.ended.inc({ outcome: 'done' });
        await analyses.set(id, { status: 'done', files: Object.keys(outcome.files) }, outcome.files);
      } else {
        const { failure } = outcome;
        metrics.ended.inc({ outcome: failure.kind });
        if (failure.kind === 'fault') log(`analysis ${id}: ${failure.message}`);
        await analyses.set(id, { status: 'failed', failure });
      }
    } finally {
      forget();
    }
  };
