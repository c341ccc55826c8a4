import { ShapeError } from './errors.ts';
import type { FileTensor, Tensor } from './tensor.ts';
import type { AnyNode, Value } from './value.ts';
import { Constant, opName, origin, sameShape } from './value.ts';

/** A value that lives on the device from run to run: each run reads `value` and replaces it by `next`. */
export interface StateValue {
  readonly value: Value;
  readonly next: Value;
  /** Whether it is zero where a run does not begin with another value: it is then made on the device, and never twice. */
  readonly startsAtZero?: boolean;
}

/** What a graph takes and gives, by name. This is the only place where values have names. */
export interface GraphSpec {
  /** Fed with every run. */
  readonly inputs: Readonly<Record<string, Value>>;
  /** Read back after every run. */
  readonly outputs: Readonly<Record<string, Value>>;
  /** Kept on the device between runs: parameters, statistics and optimizer moments in training. */
  readonly state?: Readonly<Record<string, StateValue>>;
  /** Values fixed to tensors, written into the graph: parameters in inference. A tensor of another dtype is cast. */
  readonly weights?: ReadonlyMap<Value, Weight>;
}

/** A tensor that a value is fixed to, and the name that it has in the graph. */
export interface Weight<T extends Tensor | FileTensor = Tensor | FileTensor> {
  readonly name: string;
  readonly tensor: T;
}

/** A graph ready to be written or run: pure data. */
export interface Graph extends GraphSpec {
  readonly state: Readonly<Record<string, StateValue>>;
  readonly weights: ReadonlyMap<Value, Weight>;
  /** Primitive nodes in topological order; only those that an output or a next state needs. */
  readonly nodes: readonly AnyNode[];
}

/** The value that a composite op's output really is. */
export function resolve(value: Value): Value {
  let resolved = value;
  while (resolved.node?.body) resolved = resolved.node.body;
  return resolved;
}

/**
 * Collects what the outputs need.
 * @throws {ShapeError} when a needed value is neither fed, nor state, nor bound, when a next state has another type, or
 * when a name is given twice
 */
export function build(spec: GraphSpec): Graph {
  const { inputs, outputs, state = {}, weights = new Map<Value, Weight>() } = spec;
  for (const [name, { value, next }] of Object.entries(state))
    if (value.dtype !== next.dtype || !sameShape(value.shape, next.shape))
      throw new ShapeError(
        'build',
        `state "${name}" is ${value.dtype} [${value.shape}] but its next value is ${next.dtype} [${next.shape}]`,
      );

  const keys = [inputs, outputs, state].flatMap(named => Object.keys(named));
  const names = [...keys, ...[...weights.values()].map(({ name }) => name)];
  const repeated = [...names].sort().find((name, i, sorted) => name === sorted[i - 1]);
  if (repeated !== undefined)
    throw new ShapeError(
      'build',
      `the name "${repeated}" is given to two of its inputs, outputs, state and weights; rename one`,
    );

  const sources = new Set<Value>([
    ...Object.values(inputs),
    ...Object.values(state).map(s => s.value),
    ...weights.keys(),
  ]);
  const nodes: AnyNode[] = [];
  const seen = new Set<AnyNode>();
  const visit: { node: AnyNode; done: boolean }[] = [];
  const need = (value: Value, by: AnyNode | null): void => {
    const x = resolve(value);
    if (x.node) {
      if (!seen.has(x.node)) visit.push({ node: x.node, done: false });
    } else if (!(x instanceof Constant) && !sources.has(x)) {
      const where = by ? `; ${opName(by.op)} uses it, made at ${origin(by).join(' < ')}` : '';
      throw new ShapeError(
        'build',
        `a ${x.dtype} value of shape [${x.shape}] is neither an input, nor state, nor a weight${where}`,
      );
    }
  };
  for (const root of [...Object.values(outputs), ...Object.values(state).map(s => s.next)]) {
    need(root, null);
    while (visit.length > 0) {
      const { node, done } = visit.pop()!;
      if (done) {
        nodes.push(node);
        continue;
      }
      if (seen.has(node)) continue;
      seen.add(node);
      visit.push({ node, done: true });
      for (const x of [...operandsOf(node)].reverse()) if (x) need(x, node);
    }
  }
  return { inputs, outputs, state, weights, nodes };
}

const operandCache = new WeakMap<AnyNode, readonly (Value | null)[]>();

/** The ONNX inputs of a primitive node; null is an absent one. */
export function operandsOf(node: AnyNode): readonly (Value | null)[] {
  const cached = operandCache.get(node);
  if (cached) return cached;
  const { op, inputs, attrs } = node;
  // Operands can be constants that are made here, and a constant is one value wherever it is used.
  const operands = ('composite' in op ? null : op.operands?.(inputs, attrs)) ?? inputs;
  operandCache.set(node, operands);
  return operands;
}
