import * as ort from 'onnxruntime-node';
import { writeOnnx } from '../../onnx/writer.ts';
import type { Runtime } from '../runtime.ts';
import { openSession } from '../session.ts';

export * from '../runtime.ts';

/** ONNX Runtime on the CPU, in the calling thread: each run blocks it. For training loops and tests. */
export function nodeCpu({ threads }: { readonly threads?: number } = {}): Runtime {
  return {
    name: 'node-cpu',
    compile: (graph, state = {}) =>
      openSession(
        ort,
        writeOnnx(graph),
        { executionProviders: ['cpu'], stateOnGpu: false, ...(threads !== undefined && { intraOpNumThreads: threads }) },
        state,
      ),
    close: async () => undefined,
  };
}

/** ONNX Runtime on the GPU through WebGPU, in the calling thread. State stays in GPU buffers. */
export function nodeWebgpu(): Runtime {
  return {
    name: 'node-webgpu',
    compile: (graph, state = {}) => openSession(ort, writeOnnx(graph), { executionProviders: ['webgpu'], stateOnGpu: true }, state),
    close: async () => undefined,
  };
}
