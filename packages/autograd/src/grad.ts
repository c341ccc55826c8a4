import { ShapeError } from './errors.ts';
import { add } from './ops/elementwise.ts';
import { fill } from './ops/shape.ts';
import { recomputation } from './recompute.ts';
import type { AnyNode, Value } from './value.ts';
import { opName, origin, sameShape } from './value.ts';

/**
 * Reverse-mode differentiation: the gradients of y in each of xs, as values of the same graph, so that they can be
 * differentiated again. null where y does not depend on x through differentiable ops.
 *
 * @param y - any shape; its gradient is taken against `dy`
 * @param dy - the cotangent of y, of y's shape; ones by default, which for a scalar loss is d loss / d x
 * @param kept - values from which the gradients compute the others of the forward pass anew, which are then not kept in
 * memory until the gradients need them; without any, all are kept
 * @throws {ShapeError} when an op's rule gives a cotangent that does not have its input's shape
 */
export function grad(
  y: Value,
  xs: readonly Value[],
  dy: Value = fill(1, y.shape, y.dtype),
  { kept = [] }: { readonly kept?: readonly Value[] } = {},
): readonly (Value | null)[] {
  if (!sameShape(dy.shape, y.shape)) throw new ShapeError('grad', `dy has shape [${dy.shape}] but y has [${y.shape}]`);
  const cotangents = new Map<Value, Value>([[y, dy]]);
  const again = remade();
  const known = recomputation(new Set(kept), new Set(xs));
  for (const node of nodesBetween(y, new Set(xs)).reverse()) {
    if (node.op.vjp === 'none') continue;
    const dys = node.outputs.map(output => cotangents.get(output) ?? null);
    if (dys.every(d => d === null)) continue;
    const first = dys[0] ?? fill(0, node.y.shape, node.y.dtype);
    const used = known(node, first);
    const lean = { ...node, inputs: node.inputs.map(again), y: again(node.y) };
    const dxs = node.op.vjp(first, used === node ? lean : used, dys);
    for (const [i, dx] of dxs.entries()) {
      if (dx === null) continue;
      const x = node.inputs[i]!;
      if (!sameShape(dx.shape, x.shape))
        throw new ShapeError(
          'grad',
          `${opName(node.op)} gave a cotangent of shape [${dx.shape}] for input ${i} of shape [${x.shape}]; made at ${origin(node).join(' < ')}`,
        );
      const before = cotangents.get(x);
      cotangents.set(x, before === undefined ? dx : add(before, dx));
    }
  }
  return xs.map(x => cotangents.get(x) ?? null);
}

/** What gradients use for a value: made anew where its op can do that, and once for all that need it. */
function remade(): (x: Value) => Value {
  const made = new Map<Value, Value>();
  const anew = (x: Value): Value => {
    const { node } = x;
    if (!node?.op.again) return x;
    const y = made.get(x) ?? node.op.again(node.inputs.map(anew), node.attrs, node) ?? x;
    made.set(x, y);
    return y;
  };
  return anew;
}

/** The nodes on the paths from any of xs to y, in topological order. Composite nodes count as one. */
function nodesBetween(y: Value, xs: ReadonlySet<Value>): AnyNode[] {
  const reaches = new Map<AnyNode, boolean>();
  const order: AnyNode[] = [];
  const visit: { node: AnyNode; done: boolean }[] = [];
  if (y.node) visit.push({ node: y.node, done: false });
  while (visit.length > 0) {
    const { node, done } = visit.pop()!;
    const { inputs } = node;
    if (done) {
      const hit = inputs.some(x => xs.has(x) || (x.node !== null && reaches.get(x.node) === true));
      reaches.set(node, hit);
      if (hit) order.push(node);
      continue;
    }
    if (reaches.has(node)) continue;
    reaches.set(node, false);
    visit.push({ node, done: true });
    for (const x of inputs) if (x.node && !reaches.has(x.node)) visit.push({ node: x.node, done: false });
  }
  return order;
}
