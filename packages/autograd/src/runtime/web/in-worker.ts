import { remoteRuntime } from '../remote.ts';
import type { Runtime } from '../runtime.ts';
import type { WasmOptions } from './devices.ts';
import type { WorkerScope } from './worker.ts';

declare class Worker implements WorkerScope {
  constructor(url: URL, options: { type: 'module' });
  postMessage: WorkerScope['postMessage'];
  onmessage: WorkerScope['onmessage'];
  onerror: ((event: { readonly message: string }) => void) | null;
  terminate(): void;
}

/**
 * ONNX Runtime in a web worker: runs do not block the page. Inputs are copied to the worker, outputs moved back.
 * A bundler must put `worker.ts`, bundled by itself as `worker.js`, beside the module that this becomes part of.
 */
export function inWorker(device: 'wasm' | 'webgpu', options: WasmOptions = {}): Runtime {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  return remoteRuntime(
    `web-${device}-worker`,
    {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen(listener) {
        worker.onmessage = ({ data }) => listener(data);
      },
      onEnd(listener) {
        worker.onerror = ({ message }) => listener(message);
      },
      terminate: async () => worker.terminate(),
    },
    device,
    options,
  );
}
