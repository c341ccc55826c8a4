import type { Graph } from './graph.ts';
import { operandsOf, resolve } from './graph.ts';
import type { AnyNode, Value } from './value.ts';

/**
 * The states whose next value may be written over them while the graph runs: a single node reads them, and what it makes
 * goes straight into the node that makes the next value. So it is with what optimizers keep; a weight is read by many.
 */
export function overwritableStates({ nodes, outputs, state }: Graph): readonly string[] {
  const readers = new Map<Value, Set<AnyNode>>();
  for (const node of nodes)
    for (const operand of operandsOf(node)) {
      if (operand === null) continue;
      const x = resolve(operand);
      readers.set(x, (readers.get(x) ?? new Set()).add(node));
    }
  const given = new Set([...Object.values(outputs), ...Object.values(state).map(({ next }) => next)].map(resolve));
  return Object.entries(state).flatMap(([name, { value, next }]) => {
    const [reader, ...others] = readers.get(value) ?? [];
    const maker = resolve(next).node;
    if (reader === undefined || others.length > 0 || maker === null || maker === reader || given.has(value)) return [];
    return operandsOf(maker).some(x => x !== null && resolve(x).node === reader) ? [name] : [];
  });
}
