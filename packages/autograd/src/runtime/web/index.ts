/**
 * Runs graphs on ONNX Runtime in a browser: as WebAssembly, or on a GPU through WebGPU.
 *
 * @module forgelens/autograd/runtime/web
 */
import { env } from 'onnxruntime-common';
import type { Runtime } from '../runtime.ts';
import { localRuntime } from '../session.ts';
import type { WasmOptions, WebOptions } from './devices.ts';
import { devices } from './devices.ts';

export * from '../runtime.ts';
export type { WasmOptions, WebOptions } from './devices.ts';
export * from './in-worker.ts';

/** The version of ONNX Runtime that runs graphs here. */
export const onnxRuntimeVersion: string = env.versions.common;

/** ONNX Runtime as WebAssembly in a browser, in the calling thread: each run blocks it. For tests; pages use inWorker. */
export const webWasm = (options: WasmOptions = {}): Runtime => localRuntime('web-wasm', devices.wasm(options));

/**
 * ONNX Runtime on the GPU through a browser's WebGPU, in the calling thread. State stays in GPU buffers.
 * Compiling throws a UsageError when there is no GPU adapter.
 */
export const webWebgpu = (options: WebOptions = {}): Runtime => localRuntime('web-webgpu', devices.webgpu(options));
