/**
 * Compares variants of one training, each from several seeds:
 *
 *     npx tsx tools/ablation/main.ts configs/compare/cdfl.yaml --vary model.mode=code,paper --data <index.csv> --out <folder>
 *         [--seeds 1,2,3] [--set key=value …] [--threads 1]
 *
 * Runs with the same seed see the same batches and are measured on the same held-out pictures. Each run is a folder that
 * `forgelens train` wrote, <folder>/<variant>-<seed>; what is there already is taken as it is, and what was broken off
 * goes on. The table has the mean of the seeds and their standard deviation, of the last validation.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '@forgelens/autograd';
import { RunFolder } from '@forgelens/train';
import { summarizeRuns } from './table.ts';

const root = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    vary: { type: 'string' },
    data: { type: 'string' },
    out: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    set: { type: 'string', multiple: true, default: [] },
    threads: { type: 'string', default: '2' },
  },
});
const [config] = positionals;
const [key, choices] = values.vary?.split('=') ?? [];
if (config === undefined || !key || !choices || values.data === undefined || values.out === undefined)
  throw new UsageError(
    'ablation: needs a configuration, --vary key=a,b, --data and --out; see the top of tools/ablation/main.ts',
  );

/** Runs `forgelens train`. @throws {Error} when it fails, after what it said itself */
function train(...argv: readonly string[]): void {
  const cli = join(root, 'apps/cli/src/main.ts');
  const { status } = spawnSync('npx', ['tsx', cli, 'train', ...argv, '--threads', values.threads], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`ablation: forgelens train ${argv.join(' ')} ended with status ${status}`);
}

const results = [];
// Seeds outside: after each round all variants have been run equally often.
for (const seed of values.seeds.split(','))
  for (const variant of choices.split(',')) {
    const folder = join(values.out, `${variant}-${seed}`);
    const settings = [`${key}=${variant}`, `seed=${seed}`, ...values.set].flatMap(setting => ['--set', setting]);
    if (!existsSync(join(folder, 'run.json'))) train(config, '--data', values.data, '--out', folder, ...settings);
    else if (!existsSync(join(folder, 'weights.safetensors'))) train('--resume', folder);
    results.push({ variant, records: await new RunFolder(folder).readMetrics() });
  }
console.log(summarizeRuns(results).join('\n'));
