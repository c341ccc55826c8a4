import type * as Ort from 'onnxruntime-common';
import { ShapeError, UsageError } from '../errors.ts';
import { build } from '../graph.ts';
import type { OnnxModel } from '../onnx/writer.ts';
import { nextPrefix, writeOnnx } from '../onnx/writer.ts';
import type { TensorType } from '../tensor.ts';
import { Tensor } from '../tensor.ts';
import { input, opName, origin, sameShape } from '../value.ts';
import { free } from './free.ts';
import type { Executable, Runtime, Tensors } from './runtime.ts';

/** The part of onnxruntime-common that onnxruntime-node and onnxruntime-web both implement. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;

/** What a session needs of a model: plain data, so that it can cross to a worker. */
export type SessionModel = Pick<OnnxModel, 'bytes' | 'external' | 'inputs' | 'outputs' | 'state'>;

/** Opens a session on one device. */
export type Open = (model: SessionModel, state: Tensors) => Promise<Executable>;

export interface SessionOptions extends Ort.InferenceSession.SessionOptions {
  /** Keeps the state in GPU buffers; else it is on the host. */
  readonly stateOnGpu: boolean;
}

/** A runtime in the calling thread. */
export const localRuntime = (name: string, open: Open): Runtime => ({
  name,
  async compile(graph, state = {}) {
    const { nodes, ...model } = writeOnnx(graph, { external: true });
    const executable = await explained({ nodes }, () => open(model, state));
    return { ...executable, run: inputs => explained({ nodes }, () => executable.run(inputs)) };
  },
  close: async () => undefined,
});

/** An ONNX model in a session of onnxruntime-node or onnxruntime-web. */
export async function openSession(
  ort: OrtModule,
  model: SessionModel,
  options: SessionOptions,
  initialState: Tensors,
): Promise<Executable> {
  const { stateOnGpu, ...sessionOptions } = options;
  const stateNames = Object.keys(model.state);
  for (const name of stateNames) requireType('state', name, initialState[name], model.state[name]!);
  const create = (
    { bytes, external }: Pick<OnnxModel, 'bytes' | 'external'>,
    more: Ort.InferenceSession.SessionOptions = {},
  ): Promise<Ort.InferenceSession> =>
    ort.InferenceSession.create(bytes, {
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      externalData: Object.entries(external).map(([path, data]) => ({ path, data })),
      ...sessionOptions,
      ...more,
    });

  const nextOnGpu = Object.fromEntries(stateNames.map(name => [nextPrefix + name, 'gpu-buffer' as const]));
  const session = await create(model, stateOnGpu ? { preferredOutputLocation: nextOnGpu } : {});
  // Not copied: runs only read what they are given, and give the next state in memory of their own.
  let state = Object.fromEntries(stateNames.map(name => [name, toOrt(ort, initialState[name]!)]));
  let owned = false; // The first state is the caller's.
  let reader: Promise<Ort.InferenceSession> | null = null;

  return {
    async run(inputs) {
      const feeds: Record<string, Ort.Tensor> = { ...state };
      for (const [name, type] of Object.entries(model.inputs)) {
        requireType('input', name, inputs[name], type);
        feeds[name] = toOrt(ort, inputs[name]!);
      }
      const results = await session.run(feeds);
      if (owned) for (const tensor of Object.values(state)) freeTensor(tensor);
      state = Object.fromEntries(stateNames.map(name => [name, results[nextPrefix + name]!]));
      owned = true;
      const outputs: Record<string, Tensor> = {};
      for (const [name, type] of Object.entries(model.outputs)) outputs[name] = fromOrt(results[name]!, type);
      return outputs;
    },
    async readState() {
      const onHost = (name: string, tensor: Ort.Tensor): [string, Tensor] => [
        name,
        copy(fromOrt(tensor, model.state[name]!)),
      ];
      if (Object.values(state).every(tensor => tensor.location === 'cpu'))
        return Object.fromEntries(stateNames.map(name => onHost(name, state[name]!)));
      // Reading a GPU buffer directly can abort the process, so it goes through a graph of identities.
      reader ??= create(writeIdentities(model.state));
      const results = await (await reader).run(state);
      return Object.fromEntries(stateNames.map(name => onHost(name, results[nextPrefix + name]!)));
    },
    async close() {
      if (owned) for (const tensor of Object.values(state)) freeTensor(tensor);
      state = {};
      await session.release();
      await (await reader)?.release();
    },
  };
}

function freeTensor(tensor: Ort.Tensor): void {
  if (tensor.location === 'cpu') free((tensor.data as Float32Array).buffer);
  else tensor.dispose();
}

/** A model that gives its inputs back, under the names of next states. */
function writeIdentities(types: Readonly<Record<string, TensorType>>): OnnxModel {
  const values = Object.entries(types).map(([name, { dtype, shape }]) => [name, input(dtype, shape)] as const);
  const state = Object.fromEntries(values.map(([name, value]) => [name, { value, next: value }]));
  return writeOnnx(build({ inputs: {}, outputs: {}, state }));
}

function requireType(kind: string, name: string, tensor: Tensor | undefined, type: TensorType): void {
  if (tensor === undefined) throw new UsageError(`run: ${kind} "${name}" (${type.dtype} [${type.shape}]) is missing`);
  if (tensor.dtype !== type.dtype || !sameShape(tensor.shape, type.shape))
    throw new ShapeError(
      'run',
      `${kind} "${name}" is ${tensor.dtype} [${tensor.shape}] but the graph takes ${type.dtype} [${type.shape}]`,
    );
}

const copy = (tensor: Tensor): Tensor => new Tensor(tensor.dtype, tensor.shape, tensor.data.slice());

const toOrt = (ort: OrtModule, { dtype, shape, data }: Tensor): Ort.Tensor =>
  new ort.Tensor(dtype as 'float32', data as Float32Array, shape);

function fromOrt(tensor: Ort.Tensor, { dtype, shape }: TensorType): Tensor {
  const { data, dims, type } = tensor;
  if (!sameShape(dims, shape) || type !== dtype)
    throw new Error(`the graph says ${dtype} [${shape}], but ONNX Runtime gave ${type} [${dims}]`);
  // Node 24 and some browsers hand float16 out as Float16Array; we keep its bit patterns.
  const bits =
    dtype === 'float16' && !(data instanceof Uint16Array) && ArrayBuffer.isView(data)
      ? new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2)
      : data;
  return new Tensor(dtype, shape, bits as Float32Array);
}

/**
 * Runs ONNX Runtime, and on a failure names the source line that made the node it names.
 * ONNX Runtime calls nodes by the names that the writer gave them.
 */
export async function explained<T>({ nodes }: Pick<OnnxModel, 'nodes'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // "Name:'Gather_0'" while running; 'Node, ("Gather_0"', "in node (Gather_0)" while loading
    const node = nodes.get(/(?:Name:'|Node, \("|node \()([A-Z][A-Za-z]*_\d+)\b/.exec(message)?.[1] ?? '');
    if (node === undefined) throw error;
    const shapes = (node.inputs as readonly TensorType[]).map(x => `${x.dtype} [${x.shape}]`).join(', ');
    const made = origin(node).join('\n       at ');
    throw new Error(`${opName(node.op)} of ${shapes} failed in ONNX Runtime: ${message}\n  made at ${made}`, {
      cause: error,
    });
  }
}
