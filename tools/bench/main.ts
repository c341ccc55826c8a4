/**
 * npm run bench -- [--json <file>] [--pairs 5] [--only m2sformer:train,…]
 *
 * Times our networks against PyTorch on this machine: inference of M2SFormer, CDFL, SDPAL, MPC and a U-Net of 7.8 M
 * parameters (batch 1), and one step of training of each (batch 2, AdamW), at 256 × 256 px. The two
 * sides run in processes of their own and by turns, so that whatever else the machine does meets both, and so that the
 * peak of memory is of one job alone. Prints a table; exits 1 when something failed, 2 when PyTorch is not installed or
 * an argument is wrong. A missed target is a result, not a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import type { Job } from './jobs.ts';
import { startPeer } from './peer.ts';
import type { Result } from './report.ts';
import { chooseJobs, compare, median, parsePairs, tableOf } from './report.ts';
import { newCheckpoint } from './workload.ts';

/** Runs of a side before anything counts. */
const warmUps = 2;
/** Runs of a side in one pair; their median is its time. */
const runsPerPair: Readonly<Record<Job['mode'], number>> = { inference: 5, train: 1 };
/** For the threads of the side that has just run to fall asleep. */
const pauseMs = 200;

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Where the operating system's packages put Python comes first: another one may hide it. */
const findPyTorch = (): string | undefined =>
  ['/usr/bin/python3', 'python3'].find(python => spawnSync(python, ['-c', 'import torch']).status === 0);

/** Our side as it would ship: one JavaScript file, without the tools that run TypeScript, which take memory too. */
async function bundlePeer(): Promise<string> {
  // Inside node_modules, so that what stays outside of the bundle is found from there.
  const outfile = here('../../node_modules/.cache/forgelens-bench/forgelens-peer.mjs');
  const external = ['onnxruntime-node', 'sharp'];
  await build({
    entryPoints: [here('forgelens-peer.ts')],
    outfile,
    external,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // For packages that were written for require.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return outfile;
}

async function measure(job: Job, pairs: number, python: string, versions: Record<string, string>): Promise<Result> {
  const peers = {
    ours: startPeer(process.execPath, ['--expose-gc', ourPeer]),
    pytorch: startPeer(python, [here('torch_peer.py')]),
  };
  const sides = ['ours', 'pytorch'] as const;
  const ms = { ours: [] as number[], pytorch: [] as number[] };
  const peaks = { ours: 0, pytorch: 0 };
  const run = async (side: (typeof sides)[number], times: number): Promise<number> => {
    await sleep(pauseMs);
    const answer = await peers[side].run(times);
    if (!Number.isFinite(answer.value)) throw new Error(`${job.id}: ${side} computed ${answer.value}`);
    peaks[side] = answer.peakRssBytes;
    return median(answer.ms);
  };
  const { model, mode, batch, size } = job;
  const checkpoint = mode === 'inference' ? join(scratch, `${model}.safetensors`) : null;
  if (checkpoint !== null) writeFileSync(checkpoint, newCheckpoint(model));
  for (const side of sides) {
    const ready = await peers[side].build({ model, mode, batch, size, checkpoint });
    Object.assign(versions, ready.versions);
    await run(side, warmUps);
  }
  for (let pair = 0; pair < pairs; pair++) {
    // Whoever runs second may find the machine warmer: they take turns.
    for (const side of pair % 2 === 0 ? sides : sides.toReversed())
      ms[side].push(await run(side, runsPerPair[job.mode]));
    console.error(
      `${job.id}: pair ${pair + 1} of ${pairs}: ours ${ms.ours[pair]!.toFixed(0)} ms, PyTorch ${ms.pytorch[pair]!.toFixed(0)} ms`,
    );
  }
  for (const side of sides) await peers[side].end();
  return compare(job, { ms: ms.ours, peakRssBytes: peaks.ours }, { ms: ms.pytorch, peakRssBytes: peaks.pytorch });
}

function parse(): { readonly chosen: readonly Job[]; readonly pairs: number; readonly json: string | undefined } {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, pairs: { type: 'string', default: '5' }, only: { type: 'string' } },
  });
  return { chosen: chooseJobs(values.only), pairs: parsePairs(values.pairs), json: values.json };
}

function refuse(message: string): never {
  console.error(message);
  process.exit(2);
}

let options: ReturnType<typeof parse>;
try {
  options = parse();
} catch (error) {
  refuse((error as Error).message);
}
const python = findPyTorch() ?? refuse('PyTorch was not found; install it with: apt-get install python3-torch');

const machine = {
  cpu: cpus()[0]!.model,
  cores: cpus().length,
  memoryBytes: totalmem(),
  kernel: release(),
  loadBefore: loadavg(),
};
const ourPeer = await bundlePeer();
const date = new Date().toISOString();
const versions: Record<string, string> = {};
const results: Result[] = [];
const scratch = mkdtempSync(join(tmpdir(), 'forgelens-bench-'));
try {
  for (const job of options.chosen) results.push(await measure(job, options.pairs, python, versions));
} finally {
  rmSync(scratch, { recursive: true });
}

console.log(
  `${machine.cpu}, ${machine.cores} cores, load before ${machine.loadBefore.map(load => load.toFixed(2)).join(' ')}`,
);
console.log(
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', '),
);
console.log(`medians of ${options.pairs} pairs; memory is the peak of each side's own process\n`);
for (const line of tableOf(results)) console.log(line);
if (options.json !== undefined) {
  writeFileSync(
    options.json,
    `${JSON.stringify({ date, machine, versions, pairs: options.pairs, results }, null, 2)}\n`,
  );
  console.log(`\nwrote ${options.json}`);
}
