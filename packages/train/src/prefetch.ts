import type { Batch } from '@forgelens/data';
import type { BatchSource } from './data.ts';

/** How many batches are asked for ahead. */
const ahead = 3;

/** The batches from a number on up to an end, asked for before they are needed. */
export class Prefetch {
  private readonly source: BatchSource;
  private readonly end: number;
  private readonly waiting: Promise<Batch>[] = [];
  private asked: number;

  constructor(source: BatchSource, first: number, end: number) {
    this.source = source;
    this.end = end;
    this.asked = first;
    this.fill();
  }

  next(): Promise<Batch> {
    const batch = this.waiting.shift()!;
    this.fill();
    return batch;
  }

  /** Nobody waits any longer, so nobody is told of what fails. */
  stop(): void {
    for (const batch of this.waiting) batch.catch(() => undefined);
  }

  private fill(): void {
    while (this.waiting.length < ahead && this.asked < this.end) {
      const batch = this.source.batch(this.asked++);
      // An error belongs to the step that needs the batch, not to the moment it happens.
      batch.catch(() => undefined);
      this.waiting.push(batch);
    }
  }
}
