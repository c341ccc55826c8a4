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
export type SessionModel = Pick<
  OnnxModel,
  'bytes' | 'external' | 'weightsFile' | 'inputs' | 'outputs' | 'state' | 'zeros' | 'overwritable'
>;

/** Opens a session on one device. */
export type Open = (model: SessionModel, state: Tensors) => Promise<Executable>;

export interface SessionOptions extends Ort.InferenceSession.SessionOptions {
  /** Keeps the state in GPU buffers; else it is on the host. */
  readonly stateOnGpu: boolean;
  /** Whether results are written where a run is told to: then some of the state is written over itself. */
  readonly writesInPlace?: boolean;
}

/** A runtime in the calling thread. */
export const localRuntime = (name: string, open: Open): Runtime => ({
  name,
  async compile(graph, state = {}) {
    const { nodes, ...model } = writeOnnx(graph, { external: true });
    return explainingRuns(nodes, await explained({ nodes }, () => open(model, state)));
  },
  close: async () => undefined,
});

const explainingRuns = (nodes: OnnxModel['nodes'], executable: Executable): Executable => ({
  ...executable,
  run: inputs => explained({ nodes }, () => executable.run(inputs)),
});

/** An ONNX model in a session of onnxruntime-node or onnxruntime-web. */
export async function openSession(
  ort: OrtModule,
  model: SessionModel,
  { stateOnGpu, writesInPlace = false, ...options }: SessionOptions,
  initialState: Tensors,
): Promise<Executable> {
  const zeros = model.zeros.filter(name => initialState[name] === undefined);
  const state = firstState(ort, model.state, { ...initialState, ...zeroTensors(model.state, zeros) });
  const nextOnGpu = Object.fromEntries(Object.keys(state).map(name => [nextPrefix + name, 'gpu-buffer' as const]));
  const session = await createSession(ort, model, {
    ...options,
    ...(stateOnGpu && { preferredOutputLocation: nextOnGpu }),
  });
  return executableOf(
    ort,
    session,
    options,
    { ...model, zeros, overwritable: writesInPlace ? model.overwritable : [] },
    state,
  );
}

const createSession = (
  ort: OrtModule,
  { bytes, external }: Pick<OnnxModel, 'bytes' | 'external'>,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    externalData: Object.entries(external).map(([path, data]) => ({ path, data })),
    ...options,
  });

const zeroTensors = (types: SessionModel['state'], names: readonly string[]): Tensors =>
  Object.fromEntries(names.map(name => [name, new Tensor(types[name]!.dtype, types[name]!.shape)]));

/** Not copied but where it lies askew: runs only read what they are given, and give the next state in memory of their own. */
const firstState = (ort: OrtModule, types: SessionModel['state'], tensors: Tensors): Record<string, Ort.Tensor> =>
  Object.fromEntries(
    Object.entries(types).map(([name, type]) => {
      requireType('state', name, tensors[name], type);
      return [name, toOrt(ort, tensors[name]!)];
    }),
  );

/** Keeps nothing of what the session was opened from: neither the model's bytes nor, after the first run, its state. */
function executableOf(
  ort: OrtModule,
  session: Ort.InferenceSession,
  options: Ort.InferenceSession.SessionOptions,
  { inputs: inputTypes, outputs: outputTypes, state: stateTypes, zeros, overwritable }: SessionModel,
  state: Record<string, Ort.Tensor>,
): Executable {
  const stateNames = Object.keys(stateTypes);
  const unallocated = Object.fromEntries(
    [...Object.keys(outputTypes), ...stateNames.map(name => nextPrefix + name)].map(name => [name, null]),
  );
  /** What may be written over and freed. The first state is the caller's, but for the zeros. */
  let owned: ReadonlySet<string> = new Set(zeros);
  let reader: Promise<Ort.InferenceSession> | null = null;

  return {
    async run(inputs) {
      const feeds: Record<string, Ort.Tensor> = { ...state };
      for (const [name, type] of Object.entries(inputTypes)) {
        requireType('input', name, inputs[name], type);
        feeds[name] = toOrt(ort, inputs[name]!);
      }
      const inPlace = overwritable.filter(name => owned.has(name));
      const kept = Object.fromEntries(inPlace.map(name => [name, state[name]!]));
      const results = await session.run(feeds, {
        ...unallocated,
        ...Object.fromEntries(inPlace.map(name => [nextPrefix + name, kept[name]!])),
      });
      for (const name of owned) if (!(name in kept)) freeTensor(state[name]!);
      // onnxruntime-node 1.30 gives copies even of what it wrote where it was told to.
      for (const [name, tensor] of Object.entries(kept))
        if (results[nextPrefix + name] !== tensor) freeTensor(results[nextPrefix + name]!);
      state = Object.fromEntries(stateNames.map(name => [name, kept[name] ?? results[nextPrefix + name]!]));
      owned = new Set(stateNames);
      const outputs: Record<string, Tensor> = {};
      for (const [name, type] of Object.entries(outputTypes)) outputs[name] = fromOrt(results[name]!, type);
      return outputs;
    },
    async readState() {
      const onHost = (name: string, tensor: Ort.Tensor): [string, Tensor] => [
        name,
        copy(fromOrt(tensor, stateTypes[name]!)),
      ];
      if (Object.values(state).every(tensor => tensor.location === 'cpu'))
        return Object.fromEntries(stateNames.map(name => onHost(name, state[name]!)));
      // Reading a GPU buffer directly can abort the process, so it goes through a graph of identities.
      reader ??= createSession(ort, writeIdentities(stateTypes), options);
      const results = await (await reader).run(state);
      return Object.fromEntries(stateNames.map(name => onHost(name, results[nextPrefix + name]!)));
    },
    async close() {
      for (const name of owned) freeTensor(state[name]!);
      owned = new Set();
      state = {};
      await session.release();
      await (await reader)?.release();
    },
  };
}

/** Frees what a run gave us, on the host or on the device. */
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

/** ONNX Runtime sums in packets that begin where memory does, so that a sum's last bit depends on the address. */
const packetBytes = 16;

/** Numbers that lie askew in a larger buffer, as in that of a file, are copied, so that results depend on them alone. */
const toOrt = (ort: OrtModule, { dtype, shape, data }: Tensor): Ort.Tensor =>
  new ort.Tensor(
    dtype as 'float32',
    (data.byteOffset % packetBytes === 0 ? data : data.slice()) as Float32Array,
    shape,
  );

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
