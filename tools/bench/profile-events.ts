/** What ONNX Runtime's profiler writes, read. */

/** One event of the profile; times are in µs. */
export interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly TypeShape[];
    readonly output_type_shape?: readonly TypeShape[];
    /** Bytes that the allocator has given out, as text. */
    readonly mem_bytes_in_use?: string;
  };
}

/** A shape under the name of its element type: { float: [1, 3, 256, 256] }. */
type TypeShape = Readonly<Record<string, readonly number[]>>;

const suffix = '_kernel_time';

/** The last run of a profile, and the nodes it computed. */
export function lastRun(events: readonly ProfileEvent[]): {
  readonly ms: number;
  readonly nodes: readonly ProfileEvent[];
} {
  const run = events.findLast(({ name }) => name === 'model_run');
  if (run === undefined) throw new Error('the profile holds no run');
  const nodes = events.filter(
    ({ cat, name, ts }) => cat === 'Node' && name.endsWith(suffix) && ts >= run.ts && ts <= run.ts + run.dur,
  );
  return { ms: run.dur / 1000, nodes };
}

export interface OperatorTotal {
  readonly operator: string;
  readonly us: number;
  readonly count: number;
  /** Floating-point operations of its matrix products; 0 for what is none. */
  readonly flops: number;
}

/** Time, number of nodes and operations of each operator, slowest first. */
export function totalsByOperator(nodes: readonly ProfileEvent[]): readonly OperatorTotal[] {
  const totals = new Map<string, OperatorTotal>();
  for (const { args, dur } of nodes) {
    const operator = args.op_name!;
    const { us, count, flops } = totals.get(operator) ?? { us: 0, count: 0, flops: 0 };
    totals.set(operator, { operator, us: us + dur, count: count + 1, flops: flops + flopsOf(args) });
  }
  return [...totals.values()].sort((a, b) => b.us - a.us);
}

/** Two for each multiplication and addition of a convolution or matrix product, as its shapes say; 0 for other operators. */
export function flopsOf({ op_name, input_type_shape, output_type_shape }: ProfileEvent['args']): number {
  const shapes = (types: readonly TypeShape[] = []) => types.map(type => Object.values(type)[0]!);
  const [[first, second], [output]] = [shapes(input_type_shape), shapes(output_type_shape)];
  if (!first || !second || !output) return 0;
  const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  switch (op_name) {
    case 'Conv':
    case 'FusedConv':
      return 2 * size(output) * size(second.slice(1));
    case 'ConvTranspose':
      return 2 * size(first) * size(second.slice(1));
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm':
    case 'FusedGemm':
      // What is summed over is the side of the first matrix that is not a side of the product, whichever way it lies.
      return 2 * size(output) * (size(first.slice(-2)) / output.at(-2)!);
    default:
      return 0;
  }
}

/** The name that our writer gave the node, also when ONNX Runtime has merged it with others and added to the name. */
export const nodeNameOf = ({ name }: ProfileEvent): string => /[A-Z][A-Za-z]*_\d+/.exec(name)?.[0] ?? '';

/** "[2,64,64,64] [64,64,3,3] → [2,64,64,64]" */
export function shapesOf({ args }: ProfileEvent): string {
  const list = (types: readonly TypeShape[] = []): string =>
    types.map(type => `[${Object.values(type)[0]!.join()}]`).join(' ');
  return `${list(args.input_type_shape)} → ${list(args.output_type_shape)}`;
}
