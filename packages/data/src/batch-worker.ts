/** A thread that makes batches: gets a step's number, answers with the two tensors' elements or with what failed. */
import { parentPort, workerData } from 'node:worker_threads';

import { DataError } from '@forgelens/autograd';

import { batchMaker, type BatchConfig } from './batch.ts';

/** What a worker answers; an error crosses threads as its parts, for a clone would lose its class. */
export type BatchAnswer =
  | { readonly step: number; readonly image: Float32Array<ArrayBuffer>; readonly mask: Float32Array<ArrayBuffer> }
  | { readonly step: number; readonly path: string | null; readonly problem: string };

const port = parentPort!;
const make = batchMaker(workerData as BatchConfig);

// One batch after the other: side by side they would all be late.
let last: Promise<void> = Promise.resolve();
port.on('message', (step: number) => {
  last = last.then(() => answer(step));
});

async function answer(step: number): Promise<void> {
  try {
    const { image, mask } = await make(step);
    const [pixels, truth] = [image.data, mask.data] as Float32Array<ArrayBuffer>[] as [
      Float32Array<ArrayBuffer>,
      Float32Array<ArrayBuffer>,
    ];
    port.postMessage({ step, image: pixels, mask: truth } satisfies BatchAnswer, [pixels.buffer, truth.buffer]);
  } catch (error) {
    const { message, stack } = error as Error;
    const path = error instanceof DataError ? error.path : null;
    const problem = path === null ? (stack ?? message) : message.slice(`${path}: `.length);
    port.postMessage({ step, path, problem } satisfies BatchAnswer);
  }
}
