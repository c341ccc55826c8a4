import { ShapeError } from './errors.ts';
import type { DType, Shape, TensorType } from './tensor.ts';
import { Tensor } from './tensor.ts';

/**
 * One value of a graph: a tensor that will exist when the graph runs. Its dtype and its concrete shape are known,
 * and were checked, when it was made. What makes it is its node; a value without a node is fed, bound or constant.
 */
export class Value implements TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The node whose output this is; null for inputs, constants and parameters. */
  readonly node: AnyNode | null;
  /** Which of the node's outputs this is. */
  readonly output: number;

  constructor(type: TensorType, node: AnyNode | null = null, output = 0) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.node = node;
    this.output = output;
  }

  /** The number of axes. */
  get rank(): number {
    return this.shape.length;
  }
}

/** A value that carries its tensor: it is written into the graph. */
export class Constant extends Value {
  readonly tensor: Tensor;
  constructor(tensor: Tensor) {
    super(tensor);
    this.tensor = tensor;
  }
}

/** A value that the caller feeds when the graph runs. */
export const input = (dtype: DType, shape: Shape): Value => new Value({ dtype, shape });

export const constant = (tensor: Tensor): Constant => new Constant(tensor);

/** A constant with the shape [] that broadcasts against anything. */
export function scalar(value: number, dtype: DType = 'float32'): Constant {
  const tensor = new Tensor(dtype, []);
  if (dtype === 'int64') (tensor.data as BigInt64Array)[0] = BigInt(value);
  else if (dtype === 'float16')
    throw new ShapeError('scalar', 'float16 constants are made with cast(scalar(x), "float16")');
  else (tensor.data as Float32Array)[0] = value;
  return new Constant(tensor);
}

/** Attribute values by ONNX name: whole numbers and lists become INT(S), `float(x)` FLOAT(S), strings STRING. */
export type OnnxAttributes = Readonly<Record<string, number | readonly number[] | string | OnnxFloat>>;

/** A number that the ONNX specification types as FLOAT or FLOATS, told apart from INT and INTS. */
export interface OnnxFloat {
  readonly float: number | readonly number[];
}
export const float = (value: number | readonly number[]): OnnxFloat => ({ float: value });

/**
 * dy ↦ one cotangent per input, null where an input has no gradient; 'none' when the whole op has none.
 * `dy` is the cotangent of output 0; `dys` those of all outputs, null for the unused, for the few ops with several.
 */
export type Vjp<I extends readonly Value[], A> =
  ((dy: Value, node: Node<I, A>, dys: readonly (Value | null)[]) => { readonly [K in keyof I]: Value | null }) | 'none';

/**
 * Everything the library knows about one ONNX operator: shape rule, ONNX form, gradient.
 */
export interface PrimitiveOp<I extends readonly Value[], A> {
  /** Operator type, e.g. "Conv". */
  readonly onnx: string;
  /** The types of the outputs. @throws {ShapeError} when the inputs do not fit. */
  infer(inputs: I, attrs: A): readonly TensorType[];
  /** Attributes named as in the ONNX specification. */
  attributes?(attrs: A, inputs: I): OnnxAttributes;
  /** The ONNX inputs, where they are not just `inputs`: shapes, starts and sizes are constant operands; null is "absent". */
  operands?(inputs: I, attrs: A): readonly (Value | null)[];
  /**
   * The output, computed another way: gradients that need it use this one. Where that is cheap, it is better than to
   * keep the output from the forward pass to the backward pass. null keeps it. (Other nodes must compute it: ONNX Runtime
   * makes equal ones into one, and then keeps that.)
   *
   * @param inputs - the node's, each computed another way itself where it can be
   */
  again?(inputs: I, attrs: A, node: Node<I, A>): Value | null;
  /** How many products are added up in one run, for the ops whose work that is; the others count as 0. */
  multiplyAdds?(node: Node<I, A>): number;
  readonly vjp: Vjp<I, A>;
}

/** An op made of ops, with a gradient of its own that is cheaper or steadier than the derived one. */
export interface CompositeOp<I extends readonly Value[], A> {
  readonly composite: string;
  build(inputs: I, attrs: A): Value;
  /** As a primitive op's. */
  again?(inputs: I, attrs: A, node: Node<I, A>): Value | null;
  readonly vjp: Vjp<I, A>;
}

export type Op<I extends readonly Value[], A> = PrimitiveOp<I, A> | CompositeOp<I, A>;

/** One application of an op to values. */
export interface Node<I extends readonly Value[] = readonly Value[], A = unknown> {
  readonly op: Op<I, A>;
  readonly inputs: I;
  readonly attrs: A;
  readonly outputs: readonly Value[];
  /** outputs[0]. */
  readonly y: Value;
  /** The graph of a composite op, null for a primitive one. */
  readonly body: Value | null;
  /** Where in the source the node was made. */
  readonly trace: Error;
}

/** A node of any op. Its op's functions are only ever called with the node's own inputs and attributes. */
export type AnyNode = Node;

/** Applies an op: checks the inputs, infers the outputs, and remembers the source line. */
export function apply<I extends readonly Value[], A>(op: Op<I, A>, inputs: I, attrs: A): readonly Value[] {
  const body = 'composite' in op ? op.build(inputs, attrs) : null;
  const types = 'composite' in op ? [body!] : op.infer(inputs, attrs);
  const outputs: Value[] = [];
  const trace = new Error('made here');
  const node: Node<I, A> = {
    op,
    inputs,
    attrs,
    outputs,
    body,
    trace,
    get y() {
      return outputs[0]!;
    },
  };
  for (const [i, type] of types.entries()) outputs.push(new Value({ dtype: type.dtype, shape: type.shape }, node, i));
  return outputs;
}

/** Applies an op and returns its first output, for most ops the only one. */
export const apply1 = <I extends readonly Value[], A>(op: Op<I, A>, inputs: I, attrs: A): Value =>
  apply(op, inputs, attrs)[0]!;

/** An ONNX operator type as our functions are called: "ReduceSum" becomes "reduceSum". */
export const camelCase = (onnx: string): string => onnx[0]!.toLowerCase() + onnx.slice(1);

export const opName = (op: AnyNode['op']): string => ('composite' in op ? op.composite : op.onnx);

/** The source lines that made a node, innermost first, without this room's own. */
export function origin(node: AnyNode, lines = 4): string[] {
  const frames = (node.trace.stack ?? '')
    .split('\n')
    .slice(1)
    .map(line => line.trim().replace(/^at /, ''));
  const outside = frames.filter(frame => !/[/\\]autograd[/\\](src|dist)[/\\](?!.*\.test\.)/.test(frame));
  return (outside.length > 0 ? outside : frames).slice(0, lines);
}

/** [N, C, H, W] of a value. @throws {ShapeError} when it does not have four axes. */
export function nchw(x: Value, who: string): readonly [n: number, c: number, h: number, w: number] {
  if (x.rank !== 4) throw new ShapeError(who, `needs four axes [N, C, H, W], got shape [${x.shape}]`);
  return x.shape as unknown as [number, number, number, number];
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** An axis counted from the front. @throws {ShapeError} when x has no such axis. */
export function axisOf(x: Value, axis: number, who: string): number {
  const positive = axis < 0 ? axis + x.rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= x.rank)
    throw new ShapeError(who, `axis ${axis} is outside shape [${x.shape}]`);
  return positive;
}
