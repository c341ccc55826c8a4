import { fork } from 'node:child_process';
import type { Progress } from '@forgelens/analysis';
import type { Files, Job } from './queue.ts';

/** What is told of a worker. After `exit` nothing more is. */
export type WorkerEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly files: Files }
  | { readonly kind: 'failed'; readonly isPicture: boolean; readonly message: string }
  | { readonly kind: 'exit'; readonly reason: string };

/** What a worker process tells: what is told of it, but for its end, and why it cannot begin. */
export type WorkerMessage =
  Exclude<WorkerEvent, { readonly kind: 'exit' }> | { readonly kind: 'unable'; readonly message: string };

/** Something that looks at one picture at a time, and that can be ended at any time. */
export interface Worker {
  send(job: Job): void;
  kill(): void;
}

export type StartWorker = (listener: (event: WorkerEvent) => void) => Worker;

/** What a worker process is started with. */
export interface WorkerOptions {
  readonly model: string;
  readonly maxPixels: number;
  readonly maxFrames: number;
}

/**
 * Starts workers as processes: what breaks a decoder or the runtime there breaks nothing here, and a process can be
 * ended in the middle of a run, which a thread cannot.
 */
export const workerProcesses =
  (options: WorkerOptions, entry = workerUrl()): StartWorker =>
  listener => {
    const child = fork(entry, [JSON.stringify(options)], {
      serialization: 'advanced',
      execArgv: entry.pathname.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [],
    });
    let reason: string | undefined;
    child.on('message', (message: WorkerMessage) => {
      if (message.kind === 'unable') reason = message.message;
      else listener(message);
    });
    child.on('error', () => child.kill('SIGKILL'));
    child.on('exit', (code, signal) => listener({ kind: 'exit', reason: reason ?? signal ?? `exit code ${code}` }));
    return {
      // A worker that has just ended says so by itself.
      send: job => void child.send(job, () => {}),
      kill: () => void child.kill('SIGKILL'),
    };
  };

const workerUrl = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './worker-process.ts' : './worker-process.js', import.meta.url);
