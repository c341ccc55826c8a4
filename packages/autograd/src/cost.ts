import type { Graph } from './graph.ts';
import { operandsOf, resolve } from './graph.ts';
import { bytesPerElement, sizeOf } from './tensor.ts';
import type { PrimitiveOp, Value } from './value.ts';

/** What one run of a graph takes, counted from its shapes. */
export interface GraphCost {
  /**
   * Products that are added up (MACs; two floating-point operations each) by ONNX operator: those of convolutions and
   * matrix products. Elementwise arithmetic, norms, reductions, pooling and resizing are not counted, as is usual.
   */
  readonly multiplyAdds: Readonly<Record<string, number>>;
  /**
   * Bytes of what nodes compute; inputs, weights and constants are not counted. `peak` is the most that is needed at a
   * time when nodes run in the graph's order and a result lives until its last use, `sum` is all that is ever computed.
   * A reshape is a view of its input. A runtime may take less where it computes in place, or more for scratch memory.
   */
  readonly activationBytes: { readonly peak: number; readonly sum: number };
}

/** Counts what one run of a graph takes. Nothing is run. */
export function costOf(graph: Graph): GraphCost {
  const lastUse = new Map<Value, number>();
  for (const [i, node] of graph.nodes.entries())
    for (const x of operandsOf(node)) if (x !== null) lastUse.set(memoryOf(x), i);
  for (const value of Object.values(graph.outputs)) lastUse.set(memoryOf(value), Infinity);
  for (const { next } of Object.values(graph.state)) lastUse.set(memoryOf(next), Infinity);

  const multiplyAdds: Record<string, number> = {};
  const endingAt = new Map<number, number>();
  let [live, peak, sum] = [0, 0, 0];
  for (const [i, node] of graph.nodes.entries()) {
    const op = node.op as PrimitiveOp<readonly Value[], unknown>;
    const count = op.multiplyAdds?.(node);
    if (count !== undefined) multiplyAdds[op.onnx] = (multiplyAdds[op.onnx] ?? 0) + count;
    if (op.onnx === 'Reshape') continue;
    for (const output of node.outputs) {
      const bytes = sizeOf(output.shape) * bytesPerElement(output.dtype);
      const end = lastUse.get(output) ?? i;
      endingAt.set(end, (endingAt.get(end) ?? 0) + bytes);
      live += bytes;
      sum += bytes;
    }
    peak = Math.max(peak, live);
    live -= endingAt.get(i) ?? 0;
  }
  return { multiplyAdds, activationBytes: { peak, sum } };
}

/** The value in whose memory a value lies: its own, or that of what it is a reshape of. */
function memoryOf(value: Value): Value {
  let x = resolve(value);
  while (x.node && !('composite' in x.node.op) && x.node.op.onnx === 'Reshape') x = resolve(operandsOf(x.node)[0]!);
  return x;
}
