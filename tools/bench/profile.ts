/**
 * npm run bench:profile -- m2sformer train
 *
 * Where the time of one of the benchmark's jobs goes: totals per operator, and the slowest nodes with their shapes and
 * the source line that made them. Of convolutions and matrix products also the share of this machine's peak: of what one
 * large matrix product reaches on it with as many threads. Also the memory that ONNX Runtime's allocator had in use at
 * most, and where.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, input, matmul, origin, sizeOf, writeOnnx } from '@forgelens/autograd';
import { cpuSessionOptions } from '@forgelens/autograd/runtime/node';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { jobs, threads } from './jobs.ts';
import type { ProfileEvent } from './profile-events.ts';
import { lastRun, nodeNameOf, shapesOf, totalsByOperator } from './profile-events.ts';
import { alignColumns } from './report.ts';
import { workload } from './workload.ts';

const runs = 3;
const shownOperators = 20;
const shownNodes = 20;
const peakSize = 2048;

const id = process.argv.slice(2).join(':');
const job = jobs.find(job => job.id === id);
if (job === undefined) {
  const usages = jobs.map(({ model, mode }) => `${model} ${mode}`).join(', ');
  console.error(`bench:profile: there is no job "${id.replace(':', ' ')}"; there are: ${usages}`);
  process.exit(2);
}

const { graph, state, inputs } = workload(job);
const model = writeOnnx(graph);
const folder = mkdtempSync(join(tmpdir(), 'forgelens-profile-'));
const session = await InferenceSession.create(model.bytes, {
  ...cpuSessionOptions({ threads, trains: job.mode === 'train' }),
  logSeverityLevel: 3,
  enableProfiling: true,
  profileFilePrefix: join(folder, 'run'),
});
const feeds = Object.fromEntries(
  Object.entries({ ...inputs, ...state }).map(([name, { data, shape }]) => [
    name,
    new Tensor('float32', data as Float32Array, shape),
  ]),
);
for (const name of model.zeros) {
  const { shape } = model.state[name]!;
  feeds[name] = new Tensor('float32', new Float32Array(sizeOf(shape)), shape);
}
for (let i = 0; i < runs; i++) await session.run(feeds);
session.endProfiling();
const events = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8')) as ProfileEvent[];
rmSync(folder, { recursive: true });

const { ms, nodes } = lastRun(events);
const milliseconds = (us: number): string => (us / 1000).toFixed(1);
const inNodes = nodes.reduce((sum, { dur }) => sum + dur, 0);
console.log(
  `${id}: run ${runs} of ${runs} took ${ms.toFixed(0)} ms, ${milliseconds(inNodes)} ms of it in ${nodes.length} nodes\n`,
);

const peak = await measurePeak();
const operators = totalsByOperator(nodes).slice(0, shownOperators);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const rows = operators.map(({ operator, us, count, flops }) => [
  operator,
  milliseconds(us),
  percent(us / inNodes),
  String(count),
  flops === 0 ? '' : percent(flops / us / 1000 / peak),
]);
console.log(`peak: ${peak.toFixed(0)} GFLOP/s, in a product of two matrices of ${peakSize} × ${peakSize}`);
for (const line of alignColumns([['operator', 'ms', 'share', 'nodes', 'of the peak'], ...rows])) console.log(line);

console.log('\nslowest nodes');
for (const event of [...nodes].sort((a, b) => b.dur - a.dur).slice(0, shownNodes)) {
  const node = model.nodes.get(nodeNameOf(event));
  console.log(`${milliseconds(event.dur).padStart(8)} ms  ${event.args.op_name} ${shapesOf(event)}`);
  console.log(`             ${node ? origin(node, 1)[0] : 'made by ONNX Runtime'}`);
}

// Later runs take one block for everything, so the first one shows what is alive when.
const allocated = (event: ProfileEvent): number => Number(event.args.mem_bytes_in_use ?? 0);
const fullest = events.filter(({ cat }) => cat === 'Node').reduce((a, b) => (allocated(b) > allocated(a) ? b : a));
console.log(
  `\nmost memory in use by the allocator: ${(allocated(fullest) / 1e6).toFixed(0)} MB at ${fullest.args.op_name} ${shapesOf(fullest)}`,
);

/** The most that a large product of matrices reaches here, in GFLOP/s. */
async function measurePeak(): Promise<number> {
  const [a, b] = [input('float32', [peakSize, peakSize]), input('float32', [peakSize, peakSize])];
  const { bytes } = writeOnnx(build({ inputs: { a, b }, outputs: { product: matmul(a, b) } }));
  const product = await InferenceSession.create(bytes, cpuSessionOptions({ threads, trains: false }));
  const matrix = new Tensor('float32', new Float32Array(peakSize ** 2).fill(1), [peakSize, peakSize]);
  let best = Infinity;
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    await product.run({ a: matrix, b: matrix });
    best = Math.min(best, performance.now() - started);
  }
  await product.release();
  return (2 * peakSize ** 3) / best / 1e6;
}
