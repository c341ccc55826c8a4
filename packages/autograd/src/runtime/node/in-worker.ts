import { Worker } from 'node:worker_threads';
import { remoteRuntime } from '../remote.ts';
import { stop } from './stop.ts';
import type { Runtime } from '../runtime.ts';
import type { CpuOptions } from './devices.ts';

/**
 * ONNX Runtime in a worker thread: runs do not block the caller. Inputs are copied to the worker, outputs moved back.
 * The worker keeps the process alive until the runtime is closed.
 */
export function inWorker(device: 'cpu' | 'webgpu', options: CpuOptions = {}): Runtime {
  const worker = new Worker(workerUrl());
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()));
  return remoteRuntime(
    `node-${device}-worker`,
    {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen: listener => void worker.on('message', listener),
      onEnd(listener) {
        worker.on('error', error => listener(String(error)));
        worker.on('exit', code => listener(`exit code ${code}`));
      },
      // It ends itself, between two runs: to end it in the middle of one can abort the process.
      terminate() {
        worker.postMessage(stop);
        return exited;
      },
    },
    device,
    options,
  );
}

/** The built worker; in development, a line of JavaScript that has tsx load the worker's source. */
function workerUrl(): URL {
  if (import.meta.url.endsWith('.js')) return new URL('./worker.js', import.meta.url);
  const source = new URL('./worker.ts', import.meta.url).href;
  const tsx = import.meta.resolve('tsx/esm/api');
  return new URL(`data:text/javascript,import{tsImport}from'${tsx}';tsImport('${source}','${source}')`);
}
