/** A worker: opens the model, then looks at one picture after the other. Its parent ends it. */
import { openLocalizer } from '@forgelens/localize';
import { lookAt } from './look.ts';
import type { Job } from './queue.ts';
import type { WorkerEvent, WorkerOptions } from './worker.ts';

const { model, ...limits } = JSON.parse(process.argv[2]!) as WorkerOptions;
const tell = (event: WorkerEvent): void => void process.send!(event);

// Ctrl-C reaches all processes of a terminal; the parent decides when its workers end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit());

const localizer = await openLocalizer(model);
process.on('message', (job: Job) => void lookAt(job, localizer, limits, tell));
tell({ kind: 'ready' });
