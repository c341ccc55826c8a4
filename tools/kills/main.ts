/**
 * Kills a training at random moments, lets it go on each time, and compares it with one that was left alone:
 *
 *     npx tsx tools/kills/main.ts <config.yaml> --data <index.csv> --out <folder> [--kills 10] [--seed 1] [--set key=value …]
 *
 * On the CPU, weights, best weights and the last checkpoint must be the same to the last bit, and so must all losses.
 * It writes <folder>/whole and <folder>/killed, which must not be there yet.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random, UsageError } from '@forgelens/autograd';
import { RunFolder } from '@forgelens/train';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    out: { type: 'string' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const [config] = positionals;
const { data, out } = values;
if (config === undefined || data === undefined || out === undefined)
  throw new UsageError('kills: needs a configuration, --data and --out; see the top of tools/kills/main.ts');

const program = join(import.meta.dirname, '../../apps/cli/src/main.ts');
const settings = values.set.flatMap(setting => ['--set', setting]);
const [whole, killed] = [join(out, 'whole'), join(out, 'killed')];
const begin = (folder: string) => [config, '--data', data, '--out', folder, ...settings];
/** Begins, or goes on where there is a training already. */
const goOn = () => (existsSync(join(killed, 'run.json')) ? ['--resume', killed] : begin(killed));

const start = (argv: readonly string[]) =>
  spawn(process.execPath, ['--import', 'tsx', program, 'train', ...argv, '--threads', '1'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });

async function train(argv: readonly string[]): Promise<void> {
  const [code] = (await once(start(argv), 'exit')) as [number | null];
  if (code !== 0) throw new Error(`kills: forgelens train ${argv.join(' ')} ended with ${code}`);
}

/** The step that a training has come to. */
const stepOf = async (folder: string): Promise<number> => (await new RunFolder(folder).readMetrics()).at(-1)?.step ?? 0;

/** Kills a training some time after it has come to a step. */
async function kill(step: number, delayMs: number): Promise<void> {
  const child = start(goOn());
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  while (child.exitCode === null && (await stepOf(killed)) < step) await sleep(5);
  await sleep(delayMs);
  child.kill('SIGKILL');
  const [code, signal] = await exited;
  const half = (existsSync(killed) ? readdirSync(killed) : []).filter(name => name.startsWith('.writing-'));
  console.log(
    `killed after step ${await stepOf(killed)}${half.length > 0 ? `, while it wrote ${half.join(', ')}` : ''}`,
  );
  if (signal !== 'SIGKILL') throw new Error(`kills: it had ended already with ${code}; give it more steps`);
}

await train(begin(whole));
const steps = await stepOf(whole);
const random = new Random(values.seed);
const moments = Array.from({ length: Number(values.kills) }, () => random.integer(0, steps - 2)).sort((a, b) => a - b);
for (const step of moments) await kill(step, random.uniform(0, step === 0 ? 3000 : 300));
await train(goOn());

const losses = async (folder: string): Promise<string> =>
  JSON.stringify(
    (await new RunFolder(folder).readMetrics()).map(r => [r.kind, r.step, r.kind === 'step' ? r.loss : r.f1]),
  );
const hash = (folder: string, name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(folder, name)))
    .digest('hex');
const same: Record<string, boolean> = { 'losses and validations': (await losses(whole)) === (await losses(killed)) };
for (const name of readdirSync(whole).filter(name => name.endsWith('.safetensors')))
  same[name] = hash(whole, name) === hash(killed, name);
console.log(same);
if (Object.values(same).includes(false)) process.exitCode = 1;
