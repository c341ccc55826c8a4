import { add, mul } from './ops/elementwise.ts';
import { reshape, slice } from './ops/shape.ts';
import { sizeOf } from './tensor.ts';
import type { AnyNode, Value } from './value.ts';
import { Constant, apply, scalar } from './value.ts';

/** Values of up to this many elements are not worth computing again. */
const small = 4096;

/**
 * What gradients use for a node of the forward pass, where only some of its values are kept: the node itself if no kept
 * value comes after it, else the same node made anew, from the nearest kept values before it.
 *
 * Chen et al. 2016, "Training deep nets with sublinear memory cost", https://arxiv.org/abs/1604.06174.
 *
 * @param kept - values that stay from the forward to the backward pass
 * @param xs - what gradients are taken in: leaves that exist anyway
 * @returns the node to use, given the cotangent of its output
 */
export function recomputation(kept: ReadonlySet<Value>, xs: ReadonlySet<Value>): (node: AnyNode, dy: Value) => AnyNode {
  const before = ancestors(kept);
  const made = new Map<AnyNode, AnyNode>();
  const released = new Map<Value, Value>();
  const zeros = new Map<Value, Value>();

  /** Zero, known only when dy is: with it added, a value cannot be used, nor what follows from it be made, before. */
  const zeroAfter = (dy: Value): Value => {
    const known = zeros.get(dy);
    const zero = known ?? mul(reshape(slice(reshape(dy, [-1]), 0, 0, 1), []), scalar(0, dy.dtype));
    zeros.set(dy, zero);
    return zero;
  };
  const valueAnew = (x: Value, dy: Value): Value => {
    if (x instanceof Constant || xs.has(x) || sizeOf(x.shape) <= small || x.dtype !== dy.dtype) return x;
    if (x.node !== null && !kept.has(x)) return nodeAnew(x.node, dy).outputs[x.output]!;
    const known = released.get(x);
    const after = known ?? add(x, zeroAfter(dy));
    released.set(x, after);
    return after;
  };
  const nodeAnew = (node: AnyNode, dy: Value): AnyNode => {
    const known = made.get(node);
    if (known) return known;
    const inputs = node.inputs.map(x => valueAnew(x, dy));
    const same = inputs.every((x, i) => x === node.inputs[i]);
    const anew = same ? node : apply(node.op, inputs, node.attrs)[0]!.node!;
    made.set(node, anew);
    return anew;
  };
  return (node, dy) => (before.has(node) ? nodeAnew(node, dy) : node);
}

/** The nodes that any of the values comes from. */
function ancestors(values: ReadonlySet<Value>): ReadonlySet<AnyNode> {
  const found = new Set<AnyNode>();
  const visit = [...values];
  for (let x = visit.pop(); x !== undefined; x = visit.pop()) {
    if (x.node === null || found.has(x.node)) continue;
    found.add(x.node);
    visit.push(...x.node.inputs);
  }
  return found;
}
