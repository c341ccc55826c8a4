import type { Analysis, Progress } from '@forgelens/analysis';

/** A picture to be looked at. */
export interface Job {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** As the client named it; a label, never a path. */
  readonly name: string;
  readonly threshold: number;
  readonly evidence: boolean;
}

/** What was made of a picture. */
export interface Product {
  readonly analysis: Analysis;
  /** PNG files by their key, as the analysis names them: `maps/<key>.png`. */
  readonly pictures: Readonly<Record<string, Uint8Array>>;
  /** The report, a page of HTML. */
  readonly report: string;
}

/** Why nothing was made of a picture: the picture itself, too little time, or a fault of the program. */
export interface Failure {
  readonly kind: 'picture' | 'time' | 'fault';
  readonly message: string;
}

/** What is told of a job, from its start to its end: exactly one of `done` and `failed` comes last. */
export interface JobListener {
  started(): void;
  progress(progress: Progress): void;
  done(product: Product): void;
  failed(failure: Failure): void;
}

/** Where jobs wait and are done. */
export interface Queue {
  /** Whether something could do a job now. */
  readonly isReady: boolean;
  readonly counts: { readonly waiting: number; readonly running: number; readonly restarts: number };
  /** The mean time of the jobs that were done last, in ms. */
  readonly meanJobMs: number;
  /** The job's turn comes after all that were added before. */
  add(job: Job, listener: JobListener): void;
  /** Drops a job, unless it has ended; its listener hears no more. */
  cancel(id: string): void;
  /** Resolves when no job waits or runs. */
  idle(): Promise<void>;
  close(): void;
}
