export * from './errors.ts';
export * from './grad.ts';
export * from './graph.ts';
export * from './onnx/writer.ts';
export * from './ops/index.ts';
export * from './tensor.ts';
export * from './value.ts';
export * from './random.ts';
