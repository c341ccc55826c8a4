import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import type { Graph } from '../graph.ts';
import { operandsOf, resolve } from '../graph.ts';
import { onnxDTypes } from '../ops/elementwise.ts';
import { UsageError } from '../errors.ts';
import type { FileTensor, Tensor, TensorFile, TensorType } from '../tensor.ts';
import { bytesPerElement, sizeOf } from '../tensor.ts';
import type { AnyNode, OnnxAttributes, OnnxFloat, PrimitiveOp, Value } from '../value.ts';
import { Constant } from '../value.ts';
import type {
  AttributeProtoSchema,
  NodeProtoSchema,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { overwritableStates } from '../in-place.ts';
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataLocation } from './generated/onnx_pb.ts';

/** The version of the standard operators that graphs are written in, and the file format that goes with it. */
const opset = 20n;
const irVersion = 9n;

/** The prefix of the outputs that hold the next state. */
export const nextPrefix = 'next.';

/** A graph as an ONNX file, and what a runtime must know to run it. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** The tensors that the file refers to by their names, where they were left out of it: not copied. */
  readonly external: Readonly<Record<string, Uint8Array>>;
  /** The file that has those weights that are still in one; null when none are. */
  readonly weightsFile: TensorFile | null;
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly outputs: Readonly<Record<string, TensorType>>;
  readonly state: Readonly<Record<string, TensorType>>;
  /** Names of state values that start at zero unless they are given. */
  readonly zeros: readonly string[];
  /** The states whose next value may be written over them. */
  readonly overwritable: readonly string[];
  /** The nodes by their ONNX names, for error messages. */
  readonly nodes: ReadonlyMap<string, AnyNode>;
}

export interface WriteOptions {
  /** What goes into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * Leaves large tensors out of the model, and those that are in a file of their own: for a runtime in this process,
   * which then need not parse and copy them.
   */
  readonly external?: boolean;
}

/** Tensors of at least this many bytes are left out of a file whose tensors may be external. */
const externalFrom = 1024;

/**
 * Writes a graph as an ONNX model of standard operators.
 * @throws {UsageError} when weights are still in a file but must be in the model, or are in more than one file
 */
export function writeOnnx(graph: Graph, { metadata = {}, external = false }: WriteOptions = {}): OnnxModel {
  const names = new Map<Value, string>();
  const initializers: MessageInitShape<typeof TensorProtoSchema>[] = [];
  const nodes: MessageInitShape<typeof NodeProtoSchema>[] = [];
  const byName = new Map<string, AnyNode>();
  const constants = new Map<string, string>();
  const leftOut: Record<string, Uint8Array> = {};
  let weightsFile: TensorFile | null = null;
  // ONNX Runtime takes tensors that are left out from memory or from files, not from both.
  const leaveOut = external && ![...graph.weights.values()].some(({ tensor }) => 'file' in tensor);
  const initialize = (name: string, tensor: Tensor | FileTensor): void => {
    if ('file' in tensor) {
      const { file, offset } = tensor;
      if (!external) throw new UsageError(`writeOnnx: the weight "${name}" is still in ${file.name}; read it first`);
      weightsFile ??= file;
      if (weightsFile !== file)
        throw new UsageError(
          `writeOnnx: weights are in two files, ${weightsFile.name} and ${file.name}; read those of one first`,
        );
      initializers.push(externalProto(name, tensor, file.name, offset));
      return;
    }
    const { bytes } = tensor;
    const isExternal = leaveOut && bytes.length >= externalFrom;
    if (isExternal) leftOut[name] = bytes;
    initializers.push(isExternal ? externalProto(name, tensor, name, 0) : tensorProto(name, tensor));
  };

  for (const [name, value] of Object.entries(graph.inputs)) names.set(value, name);
  for (const [name, { value }] of Object.entries(graph.state)) names.set(value, name);
  for (const [value, { name, tensor }] of graph.weights) {
    initialize(name, tensor);
    names.set(value, name);
    if (tensor.dtype === value.dtype) continue;
    // Stored in another dtype than it is used in.
    const used = `${name} as ${value.dtype}`;
    const attribute = attributeProtos({ to: onnxDTypes[value.dtype] });
    nodes.push({ name: used, opType: 'Cast', input: [name], output: [used], attribute });
    names.set(value, used);
  }

  const nameOf = (value: Value): string => {
    const x = resolve(value);
    let name = names.get(x);
    if (name === undefined && x instanceof Constant) {
      const key = constantKey(x.tensor);
      name = (key && constants.get(key)) ?? `constant_${initializers.length}`;
      if (key === null || !constants.has(key)) initialize(name, x.tensor);
      if (key !== null) constants.set(key, name);
      names.set(x, name);
    }
    return name!;
  };

  const results: [string, Value][] = [
    ...Object.entries(graph.outputs),
    ...Object.entries(graph.state).map(([name, { next }]): [string, Value] => [nextPrefix + name, next]),
  ];
  // What a node computes is an output under its name at once, so that it is written where it is wanted.
  const unnamed = results.filter(([name, value]) => {
    const x = resolve(value);
    if (x.node === null || names.has(x)) return true;
    names.set(x, name);
    return false;
  });

  for (const [i, node] of graph.nodes.entries()) {
    const op = node.op as PrimitiveOp<readonly Value[], unknown>;
    const name = `${op.onnx}_${i}`;
    byName.set(name, node);
    for (const [k, output] of node.outputs.entries())
      if (!names.has(output)) names.set(output, k === 0 ? name : `${name}.${k}`);
    nodes.push({
      name,
      opType: op.onnx,
      input: operandsOf(node).map(x => (x === null ? '' : nameOf(x))),
      output: node.outputs.map(output => names.get(output)!),
      attribute: attributeProtos(op.attributes?.(node.attrs, node.inputs) ?? {}),
    });
  }
  // The rest are inputs, constants, or outputs under another name already.
  for (const [name, value] of unnamed)
    nodes.push({ name: `output ${name}`, opType: 'Identity', input: [nameOf(value)], output: [name], attribute: [] });

  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    producerName: 'forgelens',
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'forgelens',
      node: nodes,
      initializer: initializers,
      input: [
        ...Object.entries(graph.inputs).map(([name, x]) => valueInfo(name, x)),
        ...Object.entries(graph.state).map(([name, { value }]) => valueInfo(name, value)),
      ],
      output: results.map(([name, x]) => valueInfo(name, x)),
    },
  });
  const types = (values: Readonly<Record<string, Value>>): Record<string, TensorType> =>
    Object.fromEntries(Object.entries(values).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  return {
    bytes: toBinary(ModelProtoSchema, model),
    external: leftOut,
    weightsFile,
    inputs: types(graph.inputs),
    outputs: types(graph.outputs),
    zeros: Object.entries(graph.state).flatMap(([name, { startsAtZero }]) => (startsAtZero ? [name] : [])),
    state: types(Object.fromEntries(Object.entries(graph.state).map(([name, { value }]) => [name, value]))),
    overwritable: overwritableStates(graph),
    nodes: byName,
  };
}

/** Equal small constants are written once; equal in their bytes, since 0 and −0 are two. */
const constantKey = (tensor: Tensor): string | null =>
  tensor.size > 16 ? null : `${tensor.dtype} [${tensor.shape}] ${tensor.bytes.join(' ')}`;

const tensorProto = (name: string, { dtype, shape, bytes }: Tensor): MessageInitShape<typeof TensorProtoSchema> => ({
  name,
  dataType: onnxDTypes[dtype],
  dims: shape.map(BigInt),
  rawData: bytes,
});

/** A tensor whose bytes are in a file: a real one, or one in memory that is named as the tensor is. */
const externalProto = (
  name: string,
  { dtype, shape }: TensorType,
  location: string,
  offset: number,
): MessageInitShape<typeof TensorProtoSchema> => ({
  name,
  dataType: onnxDTypes[dtype],
  dims: shape.map(BigInt),
  dataLocation: TensorProto_DataLocation.EXTERNAL,
  externalData: Object.entries({ location, offset, length: sizeOf(shape) * bytesPerElement(dtype) }).map(
    ([key, value]) => ({ key, value: String(value) }),
  ),
});

const valueInfo = (name: string, { dtype, shape }: TensorType): MessageInitShape<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: onnxDTypes[dtype],
        shape: { dim: shape.map(n => ({ value: { case: 'dimValue', value: BigInt(n) } })) },
      },
    },
  },
});

function attributeProtos(attributes: OnnxAttributes): MessageInitShape<typeof AttributeProtoSchema>[] {
  const Type = AttributeProto_AttributeType;
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'string') return { name, type: Type.STRING, s: new TextEncoder().encode(value) };
    if (typeof value === 'number') return { name, type: Type.INT, i: BigInt(value) };
    if ('float' in value) return floatAttribute(name, value);
    return { name, type: Type.INTS, ints: value.map(BigInt) };
  });
}

function floatAttribute(name: string, { float }: OnnxFloat): MessageInitShape<typeof AttributeProtoSchema> {
  const Type = AttributeProto_AttributeType;
  return typeof float === 'number'
    ? { name, type: Type.FLOAT, f: float }
    : { name, type: Type.FLOATS, floats: [...float] };
}
