import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { nodeCpu, nodeWebgpu } from '@forgelens/autograd/runtime/node';
import type { DataPlan, MetricsRecord, StepCost, TrainConfig, TrainResult } from '@forgelens/train';
import { trainingPage } from '@forgelens/report';
import {
  countTrained,
  createSchedule,
  measureStep,
  openData,
  openWeights,
  parseConfig,
  planData,
  readViews,
  RunFolder,
  train,
  writeAtomically,
} from '@forgelens/train';
import { createNetwork } from '@forgelens/models';
import { Command, Option } from 'commander';
import { examples, parseCount } from '../arguments.ts';
import type { Context, ExitCode, Io } from '../context.ts';
import { exit } from '../context.ts';
import type { GlobalOptions, Progress } from '../terminal.ts';
import { decimals, percent, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly set: readonly string[];
  readonly data?: string;
  readonly out?: string;
  readonly resume?: string;
  readonly device: 'cpu' | 'webgpu';
  readonly threads?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function trainCommand(context: Context): Command {
  return new Command('train')
    .summary('train a network')
    .description(
      'Trains the network that a configuration describes, and keeps a record of it: run.json, metrics.jsonl, run.html, ' +
        'the last two checkpoints and the best weights. A training that was stopped or killed goes on with --resume.',
    )
    .argument('[config.yaml]', 'the configuration; see configs/ and configs/train.schema.json')
    .option('--set <key=value>', 'replace a value of the configuration; can be repeated', collect, [])
    .option('-d, --data <index.csv|folder>', 'the pictures and their masks: --set data.index=…')
    .option('-o, --out <folder>', 'where the record is written (default: runs/<name of the configuration>)')
    .option('--resume <folder>', 'go on with the training in this folder')
    .addOption(new Option('--device <name>', 'where to compute').choices(['cpu', 'webgpu']).default('cpu'))
    .option('--threads <n>', 'threads on the CPU; all cores by default', parseCount)
    .option('--dry-run', 'say what would be done, measure one step, and write nothing')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens train configs/unet.yaml --data dataset/index.csv --dry-run',
        'forgelens train configs/unet.yaml --data dataset/index.csv --set batch=4 --set optimizer.learningRate=1e-4 --out runs/first',
        'forgelens train --resume runs/first',
      ),
    )
    .action(async (file: string | undefined, _: unknown, command: Command) => {
      context.finish(await run(file, command.optsWithGlobals<Options>(), context));
    });
}

const collect = (value: string, earlier: readonly string[]): string[] => [...earlier, value];

async function run(file: string | undefined, options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const { folder, config } = await open(file, options, io);
  const network = createNetwork(config.model);
  const plan = await planData(config);
  const weights = config.weights === null ? undefined : await openWeights(network, config.weights, config);
  const runtime = options.device === 'cpu' ? nodeCpu({ threads: options.threads }) : nodeWebgpu();
  const data = openData(plan, config);
  try {
    const facts = describe(config, plan, countTrained(network, config));
    if (options.dryRun) {
      const measured = { ...facts, ...describeCost(config, await measureStep(network, config, runtime, data)) };
      terminal.print(options.json ? JSON.stringify(measured, null, 2) : lines(measured));
      return exit.ran;
    }
    if (options.resume === undefined) folder.create();
    terminal.note(lines(facts));
    const teller = new Teller(terminal, io, config);
    let result: TrainResult;
    try {
      result = await train(config, {
        ...{ network, runtime, data, folder, weights },
        resume: options.resume !== undefined,
        signal: io.signal,
        onRecord: async record => {
          teller.tell(record);
          if (record.kind === 'validation') await writePage(folder);
        },
        onNotice: text => terminal.note(text),
      });
    } finally {
      teller.stop();
      // How it ended is on the page too; where it failed, that is what there is to say.
      await writePage(folder).catch(() => undefined);
    }
    const shown = path.relative(io.cwd, folder.path) || '.';
    if (options.json) terminal.print(JSON.stringify({ folder: shown, ...result }, null, 2));
    else terminal.print(conclude(result, shown));
    return result.why === 'interrupted' ? exit.interrupted : exit.ran;
  } finally {
    await data.close();
    await runtime.close();
  }
}

/** Shows what is on record of a training. */
async function writePage(folder: RunFolder): Promise<void> {
  const [run, records, views] = await Promise.all([folder.readRun(), folder.readMetrics(), readViews(folder)]);
  await writeAtomically(folder.file('run.html'), trainingPage({ run, records, views }));
}

/** The configuration, and the folder for its record. */
async function open(
  file: string | undefined,
  options: Options,
  { cwd }: Io,
): Promise<{ folder: RunFolder; config: TrainConfig }> {
  const { set, data, out, resume } = options;
  if (resume !== undefined) {
    if (file !== undefined || set.length > 0 || data !== undefined || out !== undefined)
      throw new UsageError(
        `--resume ${resume} takes all from the run.json in it; leave out the configuration, --set, --data and --out`,
      );
    const folder = new RunFolder(path.resolve(cwd, resume));
    return { folder, config: (await folder.readRun()).config };
  }
  if (file === undefined)
    throw new UsageError('train: needs a configuration, as in configs/unet.yaml, or --resume <folder>');
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch(() => {
    throw new UsageError(`${file}: no such configuration`);
  });
  const overrides = data === undefined ? set : [...set, `data.index=${JSON.stringify(data)}`];
  const config = parseConfig(text, file, overrides);
  const folder = path.resolve(cwd, out ?? path.join('runs', path.parse(file).name));
  const index = path.resolve(cwd, config.data.index);
  const weights = config.weights && path.resolve(cwd, config.weights);
  return { folder: new RunFolder(folder), config: { ...config, weights, data: { ...config.data, index } } };
}

type Facts = Readonly<Record<string, string | number>>;

function describe(config: TrainConfig, plan: DataPlan, { trained, frozen }: ReturnType<typeof countTrained>): Facts {
  const { model, steps, batch, accumulate = 1, size, optimizer, schedule } = config;
  const { id, ...options } = model;
  const rate = createSchedule(config);
  const rates = [0, steps - 1].map(step => rate(step).toPrecision(3)).map(Number) as [number, number];
  return {
    model: [id, ...Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`)].join(', '),
    trainedParameters: trained,
    frozenParameters: frozen,
    ...plan.record.counts,
    steps,
    imagesPerStep: accumulate === 1 ? batch : `${batch * accumulate}, in ${accumulate} batches of ${batch}`,
    imageSize: `${size}×${size}`,
    stepsPerEpoch: Math.ceil(plan.train.length / (batch * accumulate)),
    optimizer: optimizer.name,
    learningRate: `${rates[0]} at first, ${optimizer.learningRate} at most, ${rates[1]} at last (${schedule.name})`,
  };
}

const describeCost = ({ steps }: TrainConfig, cost: StepCost): Facts => ({
  weightsAndOptimizerBytes: cost.stateBytes,
  activationsBytes: cost.activationBytes,
  processMemoryBytes: cost.processBytes,
  secondsPerStep: cost.seconds,
  hours: (cost.seconds * steps) / 3600,
});

const lines = (facts: Facts): string =>
  Object.entries(facts)
    .map(([name, value]) => `${words(name).padEnd(24)}${typeof value === 'number' ? written(name, value) : value}`)
    .join('\n');

/** processMemoryBytes: 1048576 → 1 MiB */
const written = (name: string, value: number): string =>
  name.endsWith('Bytes')
    ? `${Number((value / 2 ** 20).toPrecision(3)).toLocaleString('en')} MiB`
    : Number(value.toPrecision(9)).toLocaleString('en');

/** trainTampered → train tampered */
const words = (name: string): string =>
  name.replace(/Bytes$/, '').replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);

function conclude({ step, why, best }: TrainResult, folder: string): string {
  const file = (name: string) => path.join(folder, name);
  const how = {
    finished: `Trained all ${step} steps; the last weights are ${file('weights.safetensors')}.`,
    stopAbove: `Stopped after step ${step}: the validation F1 is above validation.stopAbove.`,
    patience: `Stopped after step ${step}: the validation F1 has not risen for validation.patience validations.`,
    interrupted: `Stopped after step ${step}, which is saved; go on with: forgelens train --resume ${folder}`,
    failed: `Failed after step ${step}.`,
  }[why];
  const record = `The record is ${file('metrics.jsonl')}, to be looked at: ${file('run.html')}.`;
  if (best === null) return `${how}\n${record}`;
  return `${how}\nBest validation F1 ${decimals(best.f1)} after step ${best.step}: ${file('best.safetensors')}.\n${record}`;
}

/** Tells how the training goes: a progress bar on a terminal, now and then a line elsewhere. */
class Teller {
  private readonly terminal: Terminal;
  private readonly config: TrainConfig;
  private readonly isTerminal: boolean;
  private readonly started = performance.now();
  private bar: Progress | null = null;
  private first = 0;
  private score = '';

  constructor(terminal: Terminal, { stderr }: Io, config: TrainConfig) {
    this.terminal = terminal;
    this.config = config;
    this.isTerminal = stderr.isTTY === true;
  }

  tell(record: MetricsRecord): void {
    const { steps } = this.config;
    if (this.bar === null) {
      this.first = record.step - 1;
      this.bar = this.terminal.progress(steps - this.first);
    }
    if (record.kind === 'validation') {
      const { f1, falseAlarmArea, step } = record;
      this.score = ` | F1 ${decimals(f1)}, false alarms ${percent(falseAlarmArea)}`;
      if (!this.isTerminal)
        this.terminal.note(`step ${step}: validation F1 ${decimals(f1)}, false-alarm area ${percent(falseAlarmArea)}`);
      return;
    }
    const { step, loss, imagesPerSecond, learningRate } = record;
    this.bar.advance();
    this.bar.show(`loss ${loss.toFixed(4)} | ${imagesPerSecond.toFixed(1)} images/s${this.score}`);
    if (!this.isTerminal && (step % 50 === 0 || step === this.first + 1)) {
      const perStep = (performance.now() - this.started) / 60_000 / (step - this.first);
      this.terminal.note(
        `step ${step}/${steps}: loss ${loss.toFixed(4)}, learning rate ${learningRate.toPrecision(3)}, ` +
          `${imagesPerSecond.toFixed(1)} images/s, ${(perStep * (steps - step)).toFixed(1)} minutes left`,
      );
    }
  }

  stop(): void {
    this.bar?.stop();
  }
}
