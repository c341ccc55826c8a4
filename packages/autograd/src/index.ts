/**
 * Host tensors, graph values, operators with their gradients, `grad()`, and the ONNX writer.
 *
 * @module forgelens/autograd
 */
export * from './cost.ts';
export * from './errors.ts';
export * from './float16.ts';
export * from './grad.ts';
export * from './graph.ts';
export * from './npy.ts';
export * from './onnx/writer.ts';
export * from './ops/index.ts';
export * from './pytorch/checkpoint.ts';
export * from './random.ts';
export * from './safetensors.ts';
export * from './tensor.ts';
export * from './value.ts';
