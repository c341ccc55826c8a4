import { setPriority } from 'node:os';
import type { Localizer } from '@forgelens/localize';
import { lookAt } from './look.ts';
import type { Job } from './queue.ts';
import type { WorkerEvent, WorkerMessage, WorkerOptions } from './worker.ts';

/** What a worker process does: opens the model, then looks at one picture after the other. Its parent ends it. */
export async function runWorker(open: (model: string) => Promise<Localizer>): Promise<void> {
  const { model, ...limits } = JSON.parse(process.argv[2]!) as WorkerOptions;
  const tell = (event: WorkerEvent): void => void process.send!(event);
  // Ctrl-C reaches all processes of a terminal; the parent decides when its workers end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit());
  // Whoever asks how the server is must not wait for the networks.
  setPriority(5);
  try {
    const localizer = await open(model);
    process.on('message', (job: Job) => void lookAt(job, localizer, limits, tell));
    tell({ kind: 'ready' });
  } catch (error) {
    process.send!({ kind: 'unable', message: String(error) } satisfies WorkerMessage, () => process.exit(1));
  }
}
