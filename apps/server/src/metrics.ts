import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Analyses } from './analyses.ts';
import type { WorkerPool } from './worker-pool.ts';

/** What Prometheus can ask for, https://prometheus.io/docs/instrumenting/exposition_formats/. */
export function createMetrics(pool: WorkerPool, analyses: Analyses, measuresProcess: boolean) {
  const registry = new Registry();
  if (measuresProcess) collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry] },
      collect() {
        this.set(read());
      },
    });
  gauge('forgelens_queue_waiting', 'Pictures that wait in this process.', () => pool.counts.waiting);
  gauge('forgelens_queue_running', 'Pictures that are looked at in this process.', () => pool.counts.running);
  gauge('forgelens_worker_restarts', 'Workers that were replaced since the start.', () => pool.counts.restarts);
  if (analyses.counts() !== null) {
    gauge('forgelens_results_kept', 'Analyses that can be fetched.', () => analyses.counts()!.kept);
    gauge('forgelens_results_bytes', 'What their files take.', () => analyses.counts()!.bytes);
  }
  return {
    registry,
    requests: new Histogram({
      ...{ name: 'forgelens_http_request_seconds', help: 'Requests, by route, method and status.' },
      ...{ labelNames: ['route', 'method', 'status'] as const, registers: [registry] },
      buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    }),
    ended: new Counter({
      ...{ name: 'forgelens_analyses_total', help: 'Pictures that were looked at, by how that ended.' },
      ...{ labelNames: ['outcome'] as const, registers: [registry] },
    }),
    seconds: new Histogram({
      ...{ name: 'forgelens_analysis_seconds', help: 'How long pictures took, without waiting.' },
      ...{ buckets: [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600], registers: [registry] },
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
