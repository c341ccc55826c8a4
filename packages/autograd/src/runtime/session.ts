import type * as Ort from 'onnxruntime-common';
import { ShapeError, UsageError } from '../errors.ts';
import type { OnnxModel } from '../onnx/writer.ts';
import { nextPrefix } from '../onnx/writer.ts';
import type { TensorType } from '../tensor.ts';
import { Tensor } from '../tensor.ts';
import { opName, origin, sameShape } from '../value.ts';
import type { Executable, Tensors } from './runtime.ts';

/** The part of onnxruntime-common that onnxruntime-node and onnxruntime-web both implement. */
export type OrtModule = Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;

/** An ONNX model in a session of onnxruntime-node or onnxruntime-web. */
export async function openSession(
  ort: OrtModule,
  model: Pick<OnnxModel, 'bytes' | 'inputs' | 'outputs' | 'state'> & Partial<Pick<OnnxModel, 'nodes'>>,
  options: Ort.InferenceSession.SessionOptions & { readonly stateOnGpu: boolean },
  initialState: Tensors,
): Promise<Executable> {
  const { stateOnGpu, ...sessionOptions } = options;
  const stateNames = Object.keys(model.state);
  for (const name of stateNames) requireType('state', name, initialState[name], model.state[name]!);
  const nextOnGpu = Object.fromEntries(stateNames.map(name => [nextPrefix + name, 'gpu-buffer' as const]));
  const session = await explained(model, () =>
    ort.InferenceSession.create(model.bytes, {
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      ...sessionOptions,
      ...(stateOnGpu && { preferredOutputLocation: nextOnGpu }),
    }),
  );

  let state: Record<string, Ort.Tensor> = {};
  for (const name of stateNames) state[name] = toOrt(ort, copy(initialState[name]!));
  // On the host two sets of buffers take turns: each run reads one and writes the other.
  let spare: Record<string, Ort.Tensor> = {};
  if (!stateOnGpu)
    for (const name of stateNames) spare[name] = toOrt(ort, new Tensor(model.state[name]!.dtype, model.state[name]!.shape));

  return {
    async run(inputs) {
      const feeds: Record<string, Ort.Tensor> = { ...state };
      for (const [name, type] of Object.entries(model.inputs)) {
        requireType('input', name, inputs[name], type);
        feeds[name] = toOrt(ort, inputs[name]!);
      }
      const fetches: Record<string, Ort.Tensor | null> = {};
      for (const name of Object.keys(model.outputs)) fetches[name] = null;
      for (const name of stateNames) fetches[nextPrefix + name] = spare[name] ?? null;
      const results = await explained(model, () => session.run(feeds, fetches));
      const next: Record<string, Ort.Tensor> = {};
      for (const name of stateNames) next[name] = results[nextPrefix + name]!;
      if (stateOnGpu) for (const tensor of Object.values(state)) tensor.dispose();
      else spare = state;
      state = next;
      const outputs: Record<string, Tensor> = {};
      for (const [name, type] of Object.entries(model.outputs)) outputs[name] = fromOrt(results[name]!, type);
      return outputs;
    },
    async readState() {
      const tensors: Record<string, Tensor> = {};
      for (const name of stateNames)
        tensors[name] = copy(fromOrt(await toHost(ort, state[name]!, sessionOptions), model.state[name]!));
      return tensors;
    },
    async close() {
      if (stateOnGpu) for (const tensor of Object.values(state)) tensor.dispose();
      state = {};
      spare = {};
      await session.release();
    },
  };
}

function requireType(kind: string, name: string, tensor: Tensor | undefined, type: TensorType): void {
  if (tensor === undefined) throw new UsageError(`run: ${kind} "${name}" (${type.dtype} [${type.shape}]) is missing`);
  if (tensor.dtype !== type.dtype || !sameShape(tensor.shape, type.shape))
    throw new ShapeError('run', `${kind} "${name}" is ${tensor.dtype} [${tensor.shape}] but the graph takes ${type.dtype} [${type.shape}]`);
}

const copy = (tensor: Tensor): Tensor => new Tensor(tensor.dtype, tensor.shape, tensor.data.slice());

const toOrt = (ort: OrtModule, { dtype, shape, data }: Tensor): Ort.Tensor =>
  new ort.Tensor(dtype as 'float32', data as Float32Array, shape);

function fromOrt(tensor: Ort.Tensor, { dtype, shape }: TensorType): Tensor {
  const { data, dims, type } = tensor;
  if (!sameShape(dims, shape) || type !== dtype)
    throw new Error(`the graph says ${dtype} [${shape}], but ONNX Runtime gave ${type} [${dims}]`);
  // Node 24 and some browsers hand float16 out as Float16Array; we keep its bit patterns.
  const bits = dtype === 'float16' && !(data instanceof Uint16Array) && ArrayBuffer.isView(data)
    ? new Uint16Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / 2)
    : data;
  return new Tensor(dtype, shape, bits as Float32Array);
}

/**
 * Runs ONNX Runtime, and on a failure names the source line that made the node it names.
 * ONNX Runtime calls nodes by the names that the writer gave them.
 */
async function explained<T>(model: Partial<Pick<OnnxModel, 'nodes'>>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const name = /\b[A-Z][A-Za-z]*_\d+\b/.exec(message)?.[0];
    const node = name === undefined ? undefined : model.nodes?.get(name);
    if (node === undefined) throw error;
    const shapes = (node.inputs as readonly TensorType[]).map(x => `${x.dtype} [${x.shape}]`).join(', ');
    throw new Error(`${opName(node.op)} of ${shapes} failed in ONNX Runtime: ${message}\n  made at ${origin(node).join('\n       at ')}`, {
      cause: error,
    });
  }
}

/** A tensor on the host. Reading a GPU buffer directly can abort the process, so it goes through a graph of one Identity. */
async function toHost(ort: OrtModule, tensor: Ort.Tensor, options: Ort.InferenceSession.SessionOptions): Promise<Ort.Tensor> {
  if (tensor.location === 'cpu') return tensor;
  const { build } = await import('../graph.ts');
  const { writeOnnx } = await import('../onnx/writer.ts');
  const { stopGradient } = await import('../ops/elementwise.ts');
  const { input } = await import('../value.ts');
  const x = input(tensor.type as TensorType['dtype'], tensor.dims);
  const session = await ort.InferenceSession.create(writeOnnx(build({ inputs: { x }, outputs: { y: stopGradient(x) } })).bytes, options);
  const { y } = await session.run({ x: tensor });
  await session.release();
  return y!;
}
