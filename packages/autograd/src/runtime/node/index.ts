/**
 * Runs graphs on ONNX Runtime in Node: on the CPU, or on a GPU through WebGPU.
 *
 * @module forgelens/autograd/runtime/node
 */
import { env } from 'onnxruntime-common';
import type { Executable, Runtime } from '../runtime.ts';
import type { SessionModel } from '../session.ts';
import { localRuntime } from '../session.ts';
import type { CpuOptions } from './devices.ts';
import { devices } from './devices.ts';

export { free } from '../free.ts';
export * from '../runtime.ts';
export type { CpuOptions } from './devices.ts';
export { cpuSessionOptions } from './devices.ts';
export * from './in-worker.ts';
export { openSafetensors, readFileTensors } from './file-tensors.ts';

/** The version of ONNX Runtime that runs graphs here. */
export const onnxRuntimeVersion: string = env.versions.common;

/** ONNX Runtime on the CPU, in the calling thread: each run blocks it. For training loops and tests. */
export const nodeCpu = (options: CpuOptions = {}): Runtime => localRuntime('node-cpu', devices.cpu(options));

/**
 * ONNX Runtime on the GPU through WebGPU, in the calling thread. State stays in GPU buffers.
 * Compiling throws a UsageError when there is no GPU adapter.
 */
export const nodeWebgpu = (): Runtime => localRuntime('node-webgpu', devices.webgpu({}));

/** Opens a written ONNX model without state on the CPU, in the calling thread: what others would run. */
export const openOnnx = (model: SessionModel): Promise<Executable> => devices.cpu({})(model, {});
