/**
 * Trains networks from random weights under one budget on the same data, and scores them on the same pictures:
 *
 *     npx tsx tools/bakeoff/main.ts --data <index.csv> --minutes 60 --out <folder>
 *         [--only trionet,unet] [--limit 30] [--degradations jpeg_quality=75,blur_sigma=1 [--degraded-limit 6]]
 *
 * The budget is time for training steps: a step of each network is timed first, and it takes as many as have room.
 * It learns from the split `train` and is scored by the protocol of `forgelens evaluate` on the split `dev`, which nothing
 * here chooses on: what is scored are the weights after the last step. --limit takes so many pictures of each set.
 *
 * <folder>/<network> has the training's record, report.json and robustness.json; <folder>/bakeoff.md the tables, and
 * <folder>/comparison.html each network against the first one, picture by picture. What is there already is taken as it is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '@forgelens/autograd';
import type { Robustness } from '@forgelens/report';
import { RunFolder } from '@forgelens/train';
import type { ModelReport } from '../models/scores.ts';
import { contestants, type Contestant } from './contestants.ts';
import { bakeoffTables, type Result } from './results.ts';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    minutes: { type: 'string' },
    out: { type: 'string' },
    only: { type: 'string' },
    limit: { type: 'string' },
    degradations: { type: 'string' },
    'degraded-limit': { type: 'string' },
  },
});
const { data, out, degradations } = values;
const minutes = Number(values.minutes);
if (data === undefined || out === undefined || !(minutes > 0))
  throw new UsageError('bakeoff: needs --data, --minutes and --out; see the top of tools/bakeoff/main.ts');
const names = values.only?.split(',') ?? contestants.map(({ id }) => id);
const unknown = names.find(name => !contestants.some(({ id }) => id === name));
if (unknown !== undefined)
  throw new UsageError(`bakeoff: no network "${unknown}" (networks: ${contestants.map(({ id }) => id).join(', ')})`);

/** Runs the command line and gives what it prints. @throws {Error} when it fails, after what it said itself */
function forgelens(...argv: readonly string[]): string {
  const { status, stdout } = spawnSync('npx', ['tsx', join(root, 'apps/cli/src/main.ts'), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 30,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`bakeoff: forgelens ${argv.join(' ')} ended with status ${status}`);
  return stdout;
}

/** Trains with the budget, where that is not done yet. */
function train({ settings }: Contestant, folder: string): void {
  if (existsSync(join(folder, 'weights.safetensors'))) return;
  if (existsSync(join(folder, 'run.json'))) return void forgelens('train', '--resume', folder);
  const set = settings.flatMap(setting => ['--set', setting]);
  const how = ['train', join(root, 'configs/bakeoff.yaml'), '--data', data!, ...set];
  const { secondsPerStep } = JSON.parse(forgelens(...how, '--dry-run', '--json')) as { secondsPerStep: number };
  const steps = Math.max(10, Math.floor((60 * minutes) / secondsPerStep));
  const every = Math.ceil(steps / 4);
  const plan = [`steps=${steps}`, `validation.every=${every}`, `checkpoint.every=${every}`];
  forgelens(...how, ...plan.flatMap(setting => ['--set', setting]), '--out', folder);
}

const limit = values.limit === undefined ? [] : ['--limit', values.limit];
const degradedLimit = values['degraded-limit'] === undefined ? [] : ['--limit', values['degraded-limit']];
const results: Result[] = [];
const reports: string[] = [];
for (const contestant of contestants.filter(({ id }) => names.includes(id))) {
  const { id, title } = contestant;
  const folder = join(out, id);
  train(contestant, folder);
  const on = ['--data', data, '--split', 'dev', '--model', join(folder, 'weights.safetensors')];
  const reportFile = join(folder, 'report.json');
  if (!existsSync(reportFile)) writeFileSync(reportFile, forgelens('evaluate', ...on, ...limit, '--json'));
  reports.push(reportFile);
  const degraded = join(folder, 'robustness');
  if (degradations !== undefined)
    forgelens('robustness', ...on, ...degradedLimit, '--degradations', degradations, '--out', degraded);
  const run = new RunFolder(folder);
  const { config, parameters } = await run.readRun();
  const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
  results.push({
    ...{ title, parameters, records: await run.readMetrics(), batch: config.batch },
    report: read(reportFile) as ModelReport,
    robustness: degradations === undefined ? null : (read(join(degraded, 'robustness.json')) as Robustness),
  });
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'bakeoff.md'), `${bakeoffTables(results)}\n`);
}
if (reports.length > 1) forgelens('compare', ...reports, '--report', join(out, 'comparison.html'));
console.log(bakeoffTables(results));
