/** The asking end of a benchmark's peer process: one JSON line there, one back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Job } from './jobs.ts';

export type JobRequest = Pick<Job, 'model' | 'mode' | 'batch' | 'size'> & {
  /** A file with weights for our side, which opens it as the program does; PyTorch makes its own. */
  readonly checkpoint: string | null;
};
export type Request = JobRequest | { readonly run: number };

export interface RunAnswer {
  /** Of each run. */
  readonly ms: readonly number[];
  /** The loss or the mean logit: says that real work was done. */
  readonly value: number;
}
export interface ReadyAnswer {
  readonly ready: true;
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
}
export type Answer = ReadyAnswer | RunAnswer;

/** Resident memory after the imports, after building the job, and the peak so far. */
export interface Memory {
  readonly importRssBytes: number;
  readonly builtRssBytes: number;
  readonly peakRssBytes: number;
}

export interface Peer {
  build(request: JobRequest): Promise<ReadyAnswer & Memory>;
  run(times: number): Promise<RunAnswer & Memory>;
  /** Ends the process. */
  end(): Promise<void>;
}

export function startPeer(command: string, args: readonly string[]): Peer {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  // A peer that has died is noticed where its answer is awaited.
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: Request): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await answers.next();
    if (answer.done) throw new Error(`${command} ${args.join(' ')} ended without answering ${JSON.stringify(request)}`);
    return JSON.parse(answer.value);
  };
  return {
    build: async request => (await ask(request)) as ReadyAnswer & Memory,
    run: async times => (await ask({ run: times })) as RunAnswer & Memory,
    async end() {
      child.stdin.end();
      await ended;
    },
  };
}
