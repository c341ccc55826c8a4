import { UsageError } from '../../errors.ts';
import type { Open } from '../session.ts';
import { openSession } from '../session.ts';

// The little of the browser that is used here; this workspace is typed for Node.
declare const navigator: { readonly gpu?: { requestAdapter(): Promise<object | null> } };
declare const crossOriginIsolated: boolean;

export interface WebOptions {
  /** The folder (a URL ending in /) of ONNX Runtime's .wasm and .mjs files; beside its own module by default. */
  readonly files?: string;
}

export interface WasmOptions extends WebOptions {
  /** Threads of one run. More than one needs a cross-origin isolated page. ONNX Runtime's own choice by default. */
  readonly threads?: number;
}

/** How each device opens a session in the calling thread. ONNX Runtime is loaded when the first one is opened. */
export const devices = {
  wasm:
    ({ files, threads }: WasmOptions): Open =>
    async (model, state) => {
      if (threads !== undefined && threads > 1 && !crossOriginIsolated)
        throw new UsageError(
          `web-wasm: ${threads} threads need a cross-origin isolated page; serve it with the headers ` +
            'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or ask for 1 thread',
        );
      const ort = await import('onnxruntime-web/wasm');
      if (files !== undefined) ort.env.wasm.wasmPaths = files;
      if (threads !== undefined) ort.env.wasm.numThreads = threads;
      return openSession(ort, model, { executionProviders: ['wasm'], stateOnGpu: false }, state);
    },
  webgpu:
    ({ files }: WebOptions): Open =>
    async (model, state) => {
      if (!(await navigator.gpu?.requestAdapter()))
        throw new UsageError(
          'web-webgpu: this browser has no WebGPU adapter; use a browser and a GPU with WebGPU, or webWasm()',
        );
      const ort = await import('onnxruntime-web/webgpu');
      if (files !== undefined) ort.env.wasm.wasmPaths = files;
      return openSession(ort, model, { executionProviders: ['webgpu'], stateOnGpu: true }, state);
    },
};
