/** What ONNX Runtime's log says about where it put nodes, and how far results are apart. */

export interface Placement {
  /** How many nodes each provider has. */
  readonly counts: ReadonlyMap<string, number>;
  /** The nodes that were left to the CPU. */
  readonly onCpu: readonly { readonly operator: string; readonly name: string }[];
}

const cpu = 'CPUExecutionProvider';

/**
 * Reads the verbose log of a session's creation.
 * @throws {Error} when the log says nothing of it
 */
export function readPlacement(log: string): Placement {
  const counts = new Map<string, number>();
  const onCpu: { operator: string; name: string }[] = [];
  let provider = '';
  for (const line of log.split('\n')) {
    const [, text] = /VerifyEachNodeIsAssignedToAnEp\]\s+(.*)/.exec(line) ?? [];
    const [, of, count] = /placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(text ?? '') ?? [];
    const [, operator, name] = /^(\w+) \((.*)\)$/.exec(text ?? '') ?? [];
    if (of !== undefined) counts.set((provider = of), Number(count));
    else if (operator !== undefined && provider === cpu) onCpu.push({ operator, name: name! });
  }
  if (counts.size === 0) throw new Error('ONNX Runtime told of no placement; does this version still log it?');
  return { counts, onCpu };
}

/** ‖a − b‖ / ‖b‖; 0 where both are zero. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    norm += b[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
