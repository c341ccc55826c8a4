/**
 * A process that opens one training graph on WebGPU, and with `run` takes a step there and on the CPU. ONNX Runtime
 * writes where it puts nodes to the error stream, and to nowhere else; the rest is written to the output as JSON.
 */
import { origin, sizeOf, writeOnnx } from '@forgelens/autograd';
import { cpuSessionOptions } from '@forgelens/autograd/runtime/node';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Job } from '../bench/jobs.ts';
import { workload } from '../bench/workload.ts';
import { relativeDifference } from './placed.ts';

export interface StepReport {
  /** Types of the inputs, and the lines that made it, of each node by its name. */
  readonly nodes: Readonly<Record<string, { readonly inputs: string; readonly origin: readonly string[] }>>;
  /** How far each result is from the CPU's. Absent without a run. */
  readonly differences?: Readonly<Record<string, number>>;
  readonly seconds?: number;
}

const [name, batch, size, run] = process.argv.slice(2);
const job = { model: name as Job['model'], mode: 'train', batch: Number(batch), size: Number(size) } as const;
const { graph, state, inputs } = workload(job);
const model = writeOnnx(graph);

const verbose = { executionProviders: ['webgpu'], logSeverityLevel: 0 } as const;
await (await InferenceSession.create(model.bytes, verbose)).release();
const nodes = Object.fromEntries(
  [...model.nodes].map(([name, node]) => {
    const types = (node.inputs as readonly { dtype: string; shape: readonly number[] }[]).map(
      ({ dtype, shape }) => `${dtype} [${shape}]`,
    );
    return [name, { inputs: types.join(', '), origin: origin(node, 3) }];
  }),
);

const tensors = Object.entries({ ...inputs, ...state }).map(([name, { data, shape }]): [string, Tensor] => [
  name,
  new Tensor('float32', data as Float32Array, shape),
]);
const zeros = model.zeros.map((name): [string, Tensor] => {
  const { shape } = model.state[name]!;
  return [name, new Tensor('float32', new Float32Array(sizeOf(shape)), shape)];
});
const feeds = Object.fromEntries([...tensors, ...zeros]);

async function step(options: InferenceSession.SessionOptions) {
  const session = await InferenceSession.create(model.bytes, { logSeverityLevel: 3, ...options });
  const begun = performance.now();
  const results = await session.run(feeds);
  const seconds = (performance.now() - begun) / 1000;
  await session.release();
  return { results, seconds };
}

let report: StepReport = { nodes };
if (run === 'run') {
  const cpu = await step(cpuSessionOptions({ trains: true }));
  const webgpu = await step({ executionProviders: ['webgpu'] });
  const differences = Object.fromEntries(
    Object.entries(cpu.results).map(([name, { data }]) => [
      name,
      relativeDifference(webgpu.results[name]!.data as Float32Array, data as Float32Array),
    ]),
  );
  report = { nodes, differences, seconds: webgpu.seconds };
}
process.stdout.write(JSON.stringify(report));
