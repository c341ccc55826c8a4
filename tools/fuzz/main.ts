/**
 * Sends mutated examples to the server, and tells what crashes, hangs or is answered with 5xx:
 *
 *     npx tsx tools/fuzz/main.ts [--mutations 10000] [--first 0] [--seed 1] [--workers 2] [--out <folder>]
 *
 * What failed is written to the folder. The same seed makes the same mutations: `--first 81 --mutations 1` makes one again.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: {
    mutations: { type: 'string', default: '10000' },
    first: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    out: { type: 'string' },
  },
});
const indices = Array.from({ length: Number(values.mutations) }, (_, i) => Number(values.first) + i);
const start = performance.now();
const { statuses, failures, log, restarts } = await fuzz({
  ...{ indices, seed: Number(values.seed), workers: Number(values.workers), maxJobMs: 60_000 },
  onProgress(done, failed) {
    if (done % 500 === 0)
      console.log(`${done} in ${Math.round((performance.now() - start) / 1000)} s, ${failed} failed`);
  },
});
for (const line of log) console.log(line);
if (values.out !== undefined && failures.length > 0) {
  await mkdir(values.out, { recursive: true });
  for (const { mutant } of failures)
    await writeFile(join(values.out, mutant.label.replaceAll(/[^\w.]+/g, '-')), mutant.bytes);
}
for (const { mutant, reason } of failures) console.log(`${mutant.label}: ${reason}`);
const seconds = Math.round((performance.now() - start) / 1000);
const told = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
console.log(`${indices.length} mutations of seed ${values.seed} in ${seconds} s: ${told.join(', ')}`);
console.log(`${failures.length} failures, ${restarts} workers ended`);
process.exitCode = failures.length > 0 || restarts > 0 ? 1 : 0;
