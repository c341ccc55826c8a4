/** A thread that scores a share of a folder's maps. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ScoreAnswer, ScoreJob } from './score-maps.ts';
import { scoreEntries } from './score-maps.ts';

const port = parentPort!;
let done = 0;
const found = await scoreEntries(workerData as ScoreJob, () => {
  port.postMessage({ done: ++done } satisfies ScoreAnswer);
});
port.postMessage(found satisfies ScoreAnswer);
