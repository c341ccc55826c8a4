/** What `workerProcesses` starts. */
import { openLocalizer } from '@forgelens/localize';
import { runWorker } from './worker-main.ts';

await runWorker(openLocalizer);
