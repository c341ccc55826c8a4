import { Worker } from 'node:worker_threads';
import { remoteRuntime } from '../remote.ts';
import type { Runtime } from '../runtime.ts';
import type { CpuOptions } from './devices.ts';

/**
 * ONNX Runtime in a worker thread: runs do not block the caller. Inputs are copied to the worker, outputs moved back.
 * The worker keeps the process alive until the runtime is closed.
 */
export function inWorker(device: 'cpu' | 'webgpu', options: CpuOptions = {}): Runtime {
  const worker = new Worker(workerUrl());
  return remoteRuntime(
    `node-${device}-worker`,
    {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen: listener => void worker.on('message', listener),
      onEnd(listener) {
        worker.on('error', error => listener(String(error)));
        worker.on('exit', code => listener(`exit code ${code}`));
      },
      terminate: async () => void (await worker.terminate()),
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
