/** A picture to be looked at. */
export interface Job {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** As the client named it; a label, never a path. */
  readonly name: string;
  readonly threshold: number;
  readonly evidence: boolean;
}

/** What was made of a picture, by name: `result.json`, `report.html`, `maps/<key>.png`. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** Why nothing was made of a picture: the picture itself, too little time, or a fault of the program. */
export interface Failure {
  readonly kind: 'picture' | 'time' | 'fault';
  readonly message: string;
}

/** Where jobs wait until workers do them. What becomes of them is written to the analyses. */
export interface Queue {
  /** Whether a worker has the model loaded. */
  readonly isReady: boolean;
  /** Why no job will be done before somebody helps; else null. */
  readonly problem: string | null;
  /** The mean time of the jobs that were done last, in ms. */
  readonly meanJobMs: number;
  /** The jobs that wait, for whoever shares the queue, and those that run here. */
  counts(): Promise<{ readonly waiting: number; readonly running: number }>;
  /** The job's turn comes after all that were added before. One that is there already is not added again. */
  add(job: Job): Promise<void>;
  /** Drops a job, unless it has ended. */
  cancel(id: string): Promise<void>;
  /** Resolves when nothing that only this server can do waits or runs; leaves the rest to others. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
