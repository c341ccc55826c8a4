import { Worker } from 'node:worker_threads';

import { DataError, Tensor } from '@forgelens/autograd';

import type { BatchAnswer } from './batch-worker.ts';
import type { Batch, BatchConfig } from './batch.ts';
import { checkMix } from './examples.ts';

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Training batches, made on threads beside the one that trains. The batch of a step is a function of the configuration
 * and of the step's number, whatever was asked before and however many workers there are: a training that was killed
 * goes on with the batches it would have had.
 *
 * Workers make what is asked for and nothing else: ask for a few steps ahead to keep them busy.
 *
 * @example
 * const stream = new BatchStream({ samples, material, mix, seed: 1, batchSize: 8, size: 256, fit: 'crop' });
 * const { image, mask } = await stream.batch(0); // [8, 3, 256, 256] and [8, 1, 256, 256]
 * await stream.close();
 */
export class BatchStream {
  private readonly config: BatchConfig;
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting[]>();
  private failure: Error | null = null;

  /** @throws {UsageError} when the mix asks for what the sources do not have. */
  constructor({ workers = 1, ...config }: BatchConfig & { readonly workers?: number }) {
    checkMix(config);
    this.config = config;
    this.workers = Array.from({ length: workers }, () => startWorker(config));
    for (const worker of this.workers) {
      worker.on('message', (answer: BatchAnswer) => this.settle(answer));
      worker.on('error', error => this.fail(error));
    }
  }

  /**
   * The batch of a step.
   *
   * @throws {DataError} when a picture cannot be read.
   */
  batch(step: number): Promise<Batch> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const others = this.waiting.get(step);
      if (others) return void others.push({ resolve, reject });
      this.waiting.set(step, [{ resolve, reject }]);
      this.workers[step % this.workers.length]!.postMessage(step);
    });
  }

  /** Ends the threads; batches not yet made are rejected. */
  async close(): Promise<void> {
    this.fail(new Error('BatchStream: closed'));
    await Promise.all(this.workers.map(worker => worker.terminate()));
  }

  private settle(answer: BatchAnswer): void {
    const waiting = this.waiting.get(answer.step) ?? [];
    this.waiting.delete(answer.step);
    if ('problem' in answer) {
      const { path, problem } = answer;
      const error =
        path === null ? new Error(`BatchStream: step ${answer.step}: ${problem}`) : new DataError(path, problem);
      return waiting.forEach(({ reject }) => reject(error));
    }
    const { batchSize, size } = this.config;
    const batch = {
      image: new Tensor('float32', [batchSize, 3, size, size], answer.image),
      mask: new Tensor('float32', [batchSize, 1, size, size], answer.mask),
    };
    waiting.forEach(({ resolve }) => resolve(batch));
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of [...this.waiting.values()].flat()) reject(this.failure);
    this.waiting.clear();
  }
}

/** The worker lies beside this file: JavaScript when built, and in development TypeScript, which tsx loads. */
function startWorker(workerData: BatchConfig): Worker {
  const file = import.meta.url.endsWith('.ts') ? './batch-worker.dev.mjs' : './batch-worker.js';
  return new Worker(new URL(file, import.meta.url), { workerData });
}
