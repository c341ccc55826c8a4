/**
 * What every runtime must do. It needs no test framework, so that the same code runs in Node and in a browser's page.
 */
import {
  add,
  build,
  cast,
  conv2d,
  float32,
  gather,
  grad,
  input,
  int64,
  matmul,
  mul,
  reduceMean,
  relu,
  scalar,
  square,
  sub,
  Tensor,
} from '../index.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { runOnce } from '../runtime/runtime.ts';
import { checkGradients, difference, gradientCases, valueCases } from './index.ts';

/** One thing that a runtime must do; it throws when the runtime does not. */
export interface RuntimeCase {
  readonly name: string;
  readonly run: (runtime: Runtime) => Promise<void>;
}

export interface CaseResult {
  readonly name: string;
  /** What went wrong; null when nothing did. */
  readonly error: string | null;
}

/** Runs cases one after the other. */
export async function runCases(runtime: Runtime, cases: readonly RuntimeCase[]): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const { name, run } of cases)
    results.push(
      await run(runtime).then(
        () => ({ name, error: null }),
        (error: unknown) => ({ name, error: String(error) }),
      ),
    );
  return results;
}

function same(actual: Tensor | undefined, expected: Tensor): void {
  const problem = actual === undefined ? 'is missing' : difference(actual, expected, { rtol: 1e-5, atol: 1e-5 });
  if (problem !== null) throw new Error(problem);
  if (actual!.dtype !== expected.dtype) throw new Error(`dtype ${actual!.dtype}, expected ${expected.dtype}`);
}

async function fails(work: Promise<unknown>, name: string, message: RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(error instanceof Error) || error.name !== name || !message.test(error.message))
    throw new Error(`expected ${name} ${message}, got ${String(error)}`);
}

const lacksFloat16 = (run: Promise<unknown>): Promise<boolean> =>
  run.then(
    () => false,
    (error: unknown) =>
      /^Error: Cast of float16 \[3\] failed .*requires f16 but the device does not support it[^]* made at /.test(
        String(error),
      ),
  );

const x3 = input('float32', [3]);

/** What does not depend on the ops: the plumbing between host and device. */
export const plumbing: readonly RuntimeCase[] = [
  {
    name: 'it computes what the graph says',
    async run(runtime) {
      const [x, w] = [input('float32', [1, 1, 3, 3]), input('float32', [1, 1, 2, 2])];
      const graph = build({ inputs: { x, w }, outputs: { y: relu(conv2d(x, w)) } });
      const feeds = { x: float32(x.shape, [1, 2, 3, 4, 5, 6, 7, 8, 9]), w: float32(w.shape, [1, 0, 0, -0.5]) };
      same((await runOnce(runtime, graph, feeds))['y'], float32([1, 1, 2, 2], [0, 0, 0, 0.5]));
    },
  },
  {
    name: 'it runs again with other inputs, and leaves the inputs as they were',
    async run(runtime) {
      const executable = await runtime.compile(build({ inputs: { x: x3 }, outputs: { y: add(x3, x3), same: x3 } }));
      const x = float32([3], [1, 2, 3]);
      same((await executable.run({ x }))['y'], float32([3], [2, 4, 6]));
      same((await executable.run({ x: float32([3], [0, -1, 5]) }))['y'], float32([3], [0, -2, 10]));
      same((await executable.run({ x }))['same'], float32([3], [1, 2, 3]));
      same(x, float32([3], [1, 2, 3]));
      await executable.close();
    },
  },
  {
    name: 'it trains: state stays on the device from step to step, and can be read at any time',
    async run(runtime) {
      const [x, y] = [input('float32', [4, 2]), input('float32', [4, 1])];
      const [weight, velocity, frozen] = [input('float32', [2, 1]), input('float32', [2, 1]), input('float32', [1])];
      const loss = reduceMean(square(sub(matmul(x, weight), y)));
      const nextVelocity = add(mul(velocity, scalar(0.5)), grad(loss, [weight])[0]!);
      const graph = build({
        inputs: { x, y },
        outputs: { loss },
        state: {
          weight: { value: weight, next: sub(weight, mul(nextVelocity, scalar(0.1))) },
          velocity: { value: velocity, next: nextVelocity },
          frozen: { value: frozen, next: frozen },
        },
      });
      const [xs, ys] = [
        [1, 0, 0, 1, 1, 1, 1, -1],
        [2, -1, 1, 3],
      ];
      const first = { weight: float32([2, 1], [0, 0]), velocity: float32([2, 1], [0, 0]), frozen: float32([1], [7]) };
      const executable = await runtime.compile(graph, first);
      same((await executable.readState())['weight'], first.weight);
      const [w, v] = [
        [0, 0],
        [0, 0],
      ] as [[number, number], [number, number]];
      for (let step = 0; step < 5; step++) {
        const errors = ys.map((y, i) => xs[2 * i]! * w[0] + xs[2 * i + 1]! * w[1] - y);
        const expected = errors.reduce((sum, e) => sum + e * e, 0) / 4;
        for (const j of [0, 1] as const)
          v[j] = v[j] / 2 + errors.reduce((sum, e, i) => sum + e * xs[2 * i + j]!, 0) / 2;
        for (const j of [0, 1] as const) w[j] -= 0.1 * v[j];
        const outputs = await executable.run({ x: float32([4, 2], xs), y: float32([4, 1], ys) });
        same(outputs['loss'], float32([], [expected]));
        if (step % 2 === 0) same((await executable.readState())['weight'], float32([2, 1], w));
      }
      const state = await executable.readState();
      same(state['weight'], float32([2, 1], w));
      same(state['velocity'], float32([2, 1], v));
      same(state['frozen'], first.frozen);
      same(first.weight, float32([2, 1], [0, 0]));
      await executable.close();
    },
  },
  {
    name: 'it takes whole numbers as indices and gives bools and whole numbers back',
    async run(runtime) {
      const [x, i] = [input('float32', [3, 2]), input('int64', [2])];
      const y = gather(x, i, 0);
      const graph = build({ inputs: { x, i }, outputs: { y, indices: i, whole: cast(y, 'int32') } });
      const results = await runOnce(runtime, graph, { x: float32([3, 2], [0, 1, 2, 3, 4, 5]), i: int64([2], [2, 0]) });
      same(results['y'], float32([2, 2], [4, 5, 0, 1]));
      same(results['indices'], int64([2], [2, 0]));
      same(results['whole'], new Tensor('int32', [2, 2], Int32Array.of(4, 5, 0, 1)));
    },
  },
  {
    name: 'it takes and gives float16 as bit patterns',
    async run(runtime) {
      const half = input('float16', [3]);
      const graph = build({
        inputs: { x: x3, half },
        outputs: { toHalf: cast(x3, 'float16'), toFull: cast(half, 'float32') },
      });
      const bits = new Tensor('float16', [3], Uint16Array.of(0x3c00, 0x3800, 0xc000));
      const run = runOnce(runtime, graph, { x: float32([3], [1, 0.5, -2]), half: bits });
      // A GPU may lack 16-bit shaders, as SwiftShader does; then this is said.
      if (runtime.name.includes('webgpu') && (await lacksFloat16(run))) return;
      const results = await run;
      same(results['toHalf'], bits);
      same(results['toFull'], float32([3], [1, 0.5, -2]));
    },
  },
  {
    name: 'it names the input that is missing, or has another shape or type',
    async run(runtime) {
      const executable = await runtime.compile(build({ inputs: { x: x3 }, outputs: { y: relu(x3) } }));
      await fails(executable.run({}), 'UsageError', /^run: input "x" \(float32 \[3\]\) is missing$/);
      const wrongShape = executable.run({ x: float32([2], [1, 2]) });
      await fails(wrongShape, 'ShapeError', /^run: input "x" is float32 \[2\] but the graph takes float32 \[3\]$/);
      const wrongType = executable.run({ x: int64([3], [1, 2, 3]) });
      await fails(wrongType, 'ShapeError', /^run: input "x" is int64 \[3\] but the graph takes float32 \[3\]$/);
      same((await executable.run({ x: float32([3], [-1, 0, 1]) }))['y'], float32([3], [0, 0, 1]));
      await executable.close();
    },
  },
  {
    name: 'it names the state that is missing or has another shape',
    async run(runtime) {
      const graph = build({ inputs: {}, outputs: {}, state: { w: { value: x3, next: relu(x3) } } });
      await fails(runtime.compile(graph), 'UsageError', /^run: state "w" \(float32 \[3\]\) is missing$/);
      const wrong = runtime.compile(graph, { w: float32([1], [1]) });
      await fails(wrong, 'ShapeError', /^run: state "w" is float32 \[1\] but the graph takes float32 \[3\]$/);
    },
  },
  {
    name: 'it names the source line of a node that fails',
    async run(runtime) {
      // A GPU reads outside a tensor without a word.
      if (runtime.name.includes('webgpu')) return;
      const i = input('int64', [1]);
      const graph = build({ inputs: { x: x3, i }, outputs: { y: gather(x3, i) } });
      const run = runOnce(runtime, graph, { x: float32([3], [1, 2, 3]), i: int64([1], [7]) });
      const message = /^Gather of float32 \[3\], int64 \[1\] failed in ONNX Runtime: [^]*\n {2}made at \S[^]*:\d+:\d+/;
      await fails(run, 'Error', message);
    },
  },
];

/** The results of ops that are known without a gradient. */
export const values: readonly RuntimeCase[] = Object.entries(valueCases).map(([op, { f, inputs, expected }]) => ({
  name: `the value of ${op} is right`,
  async run(runtime) {
    const xs = Object.fromEntries(inputs.map(({ dtype, shape }, i) => [`x${i}`, input(dtype, shape)]));
    const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));
    const graph = build({ inputs: xs, outputs: { y: f(...Object.values(xs)) } });
    same((await runOnce(runtime, graph, feeds))['y'], expected);
  },
}));

/** The gradients of all ops, and those of smooth ops once more. */
export const gradients: readonly RuntimeCase[] = Object.entries(gradientCases).flatMap(([op, variants]) =>
  Object.entries(variants).flatMap(([variant, { f, smooth, ...check }]) =>
    ([1, 2] as const).slice(0, smooth ? 2 : 1).map(order => ({
      name: `the gradient of order ${order} of ${op} ${variant} is right`,
      run: (runtime: Runtime) => checkGradients(f, { ...check, runtime, order }),
    })),
  ),
);

/** Everything that every runtime must do. */
export const suite: readonly RuntimeCase[] = [...plumbing, ...values, ...gradients];
