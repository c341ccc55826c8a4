/**
 * Our side of the benchmark: a process that times one job, on request. It speaks the protocol of `torch_peer.py`, which
 * says how; one process does one job, so that the peak of its memory is that job's own.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Executable } from '@forgelens/autograd/runtime/node';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { openModel } from '@forgelens/localize';
import { env } from 'onnxruntime-node';
import { threads } from './jobs.ts';
import type { Answer, JobRequest, Request, RunAnswer } from './peer.ts';
import type { Workload } from './workload.ts';
import { workload } from './workload.ts';

/** A memory field of this process, in bytes. Linux counts VmHWM, the peak, anew for each program. */
function statusBytes(field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line![1]) * 1024;
}

async function open(job: JobRequest): Promise<{ executable: Executable; inputs: Workload['inputs'] }> {
  const weights = job.checkpoint === null ? undefined : (await openModel(job.checkpoint)).weights;
  const { graph, state, inputs } = workload(job, weights);
  return { executable: await nodeCpu({ threads }).compile(graph, state), inputs };
}

async function run(executable: Executable, inputs: Workload['inputs'], times: number): Promise<RunAnswer> {
  const ms: number[] = [];
  let value = NaN;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    const [output] = Object.values(await executable.run(inputs));
    ms.push(performance.now() - start);
    const data = output!.data as Float32Array;
    value = data.reduce((sum, x) => sum + x, 0) / data.length;
  }
  return { ms, value };
}

const importRssBytes = statusBytes('VmRSS');
let builtRssBytes = 0;
let opened: Awaited<ReturnType<typeof open>> | null = null;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  let answer: Answer;
  if ('run' in request) answer = await run(opened!.executable, opened!.inputs, request.run);
  else {
    opened = await open(request);
    // What building left behind goes, as it does by itself on the side that counts references.
    globalThis.gc!();
    builtRssBytes = statusBytes('VmRSS');
    answer = { ready: true, versions: { node: process.version, onnxruntime: env.versions.node! }, threads };
  }
  const memory = { importRssBytes, builtRssBytes, peakRssBytes: statusBytes('VmHWM') };
  console.log(JSON.stringify({ ...answer, ...memory }));
}
