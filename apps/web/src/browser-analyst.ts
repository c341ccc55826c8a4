import { DataError, UsageError } from '@forgelens/autograd';
import type { Task, Told } from './analysis-worker.ts';
import type { Analyst, AnalystOptions, AnalystProgress, Findings, GivenPicture } from './analyst.ts';

/**
 * This browser: decoder, network and evidence run in a worker of the page, and nothing is uploaded. What it needs begins
 * to load at once and is kept by the service worker, so that the page works offline once that is done.
 *
 * @throws {UsageError} when the page was not served so that WebAssembly may have threads
 */
export async function createBrowserAnalyst(): Promise<Analyst> {
  if (!crossOriginIsolated)
    throw new UsageError(
      'This browser cannot look at pictures by itself here: the page must be cross-origin isolated; serve it with the ' +
        'headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, over https',
    );
  await keepOffline();
  let worker: Worker | null = startWorker();
  let last: Promise<unknown> = Promise.resolve();

  /** Gives the worker a task when it has done all before. */
  function inTurn(task: Task, { signal, progress }: Partial<AnalystOptions>): Promise<Told> {
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason as Error)),
    );
    aborted.catch(() => {});
    const result = last.then(async () => {
      signal?.throwIfAborted();
      try {
        return await Promise.race([ask((worker ??= startWorker()), task, progress), aborted]);
      } catch (error) {
        // It may compute for long, or may have loaded only half: the next task gets another one.
        if (!(error instanceof DataError)) endWorker();
        throw error;
      }
    });
    last = result.catch(() => {});
    return Promise.race([result, aborted]);
  }

  function endWorker(): void {
    worker?.terminate();
    worker = null;
  }

  return {
    place: 'browser',
    async analyze(given: GivenPicture, options: AnalystOptions): Promise<Findings> {
      if ('url' in given)
        throw new UsageError(`This browser does not fetch ${given.url}; save the picture and give the file`);
      const { name, bytes } = given;
      options.progress({ stage: 'wait', done: 0, total: 0 });
      const told = await inTurn({ kind: 'analyze', name, bytes }, options);
      const { analysis, files } = told as Told & { kind: 'analyzed' };
      const picture = new Blob([bytes]);
      return {
        ...{ analysis, files },
        async report() {
          const made = await inTurn({ kind: 'report', analysis, files, picture }, {});
          return (made as Told & { kind: 'reported' }).report;
        },
      };
    },
  };
}

const startWorker = (): Worker => new Worker(new URL('./analysis-worker.js', import.meta.url), { type: 'module' });

/** What a worker tells at the end of a task. */
function ask(worker: Worker, task: Task, progress?: (progress: AnalystProgress) => void): Promise<Told> {
  return new Promise((resolve, reject) => {
    worker.onerror = ({ message }) => reject(new Error(`the worker has ended: ${message || 'it could not be loaded'}`));
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.kind === 'progress') progress?.(data.progress);
      else if (data.kind === 'failed') reject(revived(data));
      else resolve(data);
    };
    worker.postMessage(task);
  });
}

const revived = ({ message, path }: Told & { kind: 'failed' }): Error =>
  path === null ? new Error(message) : new DataError(path, message.slice(`${path}: `.length));

/** Lets the service worker keep what is fetched. A browser without one, or in private mode, goes on without. */
async function keepOffline(): Promise<void> {
  try {
    const registration = await navigator.serviceWorker.register(new URL('./service-worker.js', import.meta.url));
    const first = registration.active ? null : registration.installing;
    // From then on what is fetched passes through it.
    while (first && !['activated', 'redundant'].includes(first.state))
      await new Promise(resolve => first.addEventListener('statechange', resolve, { once: true }));
  } catch {
    // What follows only needs the network.
  }
}
