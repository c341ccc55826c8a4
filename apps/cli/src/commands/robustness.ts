import path from 'node:path';
import { DataError } from '@forgelens/autograd';
import { groupBy, readTruth } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import { hashManifest, ownProtocol } from '@forgelens/evaluate';
import type { Degradation } from '@forgelens/imaging';
import { degradationPresets, degrade, formatDegradations, readImage, readImageSize } from '@forgelens/imaging';
import { software } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { Ranking } from '@forgelens/metrics';
import type { DegradedImage, Robustness } from '@forgelens/report';
import { measures, robustnessCsv, robustnessPage, sumUpRobustness, untouched } from '@forgelens/report';
import { Command } from 'commander';
import { examples } from '../arguments.ts';
import { describeCommand } from '../command-line.ts';
import type { Context, ExitCode, Io } from '../context.ts';
import { exit } from '../context.ts';
import { parseSeries } from '../degradation-series.ts';
import { OutputFolder } from '../outputs.ts';
import { RobustnessFolder } from '../robustness-folder.ts';
import type { SampleOptions } from '../samples.ts';
import { addSampleOptions, readSamples } from '../samples.ts';
import type { GlobalOptions } from '../terminal.ts';
import { count, decimals, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions, SampleOptions {
  readonly model: string;
  readonly degradations: string;
  readonly out: string;
  readonly seed: string;
  readonly json?: boolean;
}

export function robustnessCommand(context: Context): Command {
  const command = new Command('robustness')
    .summary('score a model on degraded pictures')
    .description(
      'Scores a model on pictures as they are and after degradations of rising strength, and draws the curves: ' +
        'robustness.html, robustness.json, robustness.csv. A run that was stopped or killed goes on at the next picture ' +
        'when the command is given again, and further degradations are added to what is there.',
    );
  return addSampleOptions(command, context.models.default)
    .option(
      '--degradations <preset|list>',
      `${Object.keys(degradationPresets).join(', ')}; or a list such as jpeg_quality=90,blur_sigma=1`,
      'forgelens',
    )
    .option('-o, --out <folder>', 'where results are written', 'forgelens-robustness')
    .option('--seed <text>', 'of noise and of places', '1')
    .option('--json', 'print the whole result as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens robustness --data dataset/index.csv --split dev --limit 20',
        'forgelens robustness --data casia --degradations imdlbenco --out casia-robustness',
        'forgelens robustness --data casia --degradations jpeg_quality=90,jpeg_quality=70,resize_scale=0.5+jpeg_quality=75',
      ),
    )
    .action(async (_: unknown, command: Command) => {
      context.finish(await robustness(command.optsWithGlobals<Options>(), context));
    });
}

async function robustness(options: Options, { io, models }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const series = parseSeries(options.degradations);
  const samples = await readSamples(options, io.cwd);
  const localizer = await models.open(options.model);
  let report: Robustness;
  try {
    const { id, version, weightsSha256, sizePolicy } = localizer.info;
    const { data, split, sets, limit, seed } = options;
    const run = {
      ...{ software, model: { id, version, weightsSha256, sizePolicy }, data: { path: data, split, sets, limit } },
      ...{ manifestSha256: hashManifest(samples), seed },
    };
    const target = path.resolve(io.cwd, options.out);
    await OutputFolder.open(target);
    const folder = await RobustnessFolder.open(target, run);
    const chains = new Map<string, readonly Degradation[]>([[untouched, []]]);
    for (const { levels } of series) for (const { chain } of levels) chains.set(formatDegradations(chain), chain);

    await walk(chains, samples, { folder, localizer, seed, terminal, io });
    report = sumUpRobustness(run, series, folder.images([...chains.keys()], samples));
    await folder.write('robustness.json', `${JSON.stringify(report, null, 2)}\n`);
    await folder.write('robustness.csv', robustnessCsv(report));
    await folder.write('robustness.html', robustnessPage(report, { command: describeCommand('robustness', options) }));
  } finally {
    await localizer.close();
  }
  if (options.json) terminal.print(JSON.stringify(report, null, 2));
  else printTable(terminal, report);
  for (const { chain, error } of report.excluded) terminal.problem(`excluded (${chain}): ${error}`);
  terminal.note(`The curves are in ${path.join(options.out, 'robustness.html')}.`);
  return report.excluded.length > 0 ? exit.someInputsFailed : exit.ran;
}

interface Walk {
  readonly folder: RobustnessFolder;
  readonly localizer: Localizer;
  readonly seed: string;
  readonly terminal: Terminal;
  readonly io: Io;
}

/** How many pictures are looked at at once: one is degraded or scored while the network looks at the other. */
const lanes = 2;

/**
 * Looks at each picture after each chain of degradations, but for what is done, and says how long the rest takes.
 * Pictures of one size come together, since the network's graph is made anew for each size that it meets.
 */
async function walk(
  chains: ReadonlyMap<string, readonly Degradation[]>,
  samples: readonly Sample[],
  { folder, localizer, seed, terminal, io }: Walk,
): Promise<void> {
  const jobs = (await bySize(samples)).flatMap(group =>
    [...chains].flatMap(([name, chain]) =>
      group.filter(sample => folder.find(name, sample) === null).map(sample => ({ name, chain, sample })),
    ),
  );
  const earlier = chains.size * samples.length - jobs.length;
  if (earlier > 0) terminal.note(`${count(earlier, 'picture')} had been done before, ${jobs.length} to do`);
  const progress = terminal.progress(jobs.length);
  const start = performance.now();
  let done = 0;
  try {
    await inLanes(lanes, jobs, async ({ name, chain, sample }) => {
      io.signal?.throwIfAborted();
      progress.show(`${name} ${sample.id}`);
      await folder.keep(await look(sample, name, chain, localizer, seed));
      progress.advance();
      done++;
      // Where there is no bar.
      if (!io.stderr.isTTY && Math.floor((10 * done) / jobs.length) > Math.floor((10 * (done - 1)) / jobs.length)) {
        const minutes = ((performance.now() - start) / done / 60_000) * (jobs.length - done);
        terminal.note(`${done} of ${jobs.length} pictures are done, about ${Math.ceil(minutes)} min left`);
      }
    });
  } finally {
    progress.stop();
  }
}

/** The samples in groups of one size. Pictures that cannot be read are a group of their own. */
async function bySize(samples: readonly Sample[]): Promise<Sample[][]> {
  const sizes = new Map<Sample, string>();
  for (const sample of samples) {
    const size = await readImageSize(sample.image).catch(() => null);
    sizes.set(sample, size === null ? 'unknown' : `${size.width}×${size.height}`);
  }
  return [...groupBy(samples, sample => sizes.get(sample)).values()];
}

/** Does the jobs in their order, several at once. After an error none is begun, and those that are done are waited for. */
async function inLanes<Job>(lanes: number, jobs: readonly Job[], work: (job: Job) => Promise<void>): Promise<void> {
  const queue = jobs.values();
  const errors: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (const job of queue) {
      await work(job).catch((error: unknown) => errors.push(error));
      if (errors.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (errors.length > 0) throw errors[0];
}

/** Degrades one picture, looks at it, and scores what was found against its truth, degraded alike. */
async function look(
  sample: Sample,
  name: string,
  chain: readonly Degradation[],
  localizer: Localizer,
  seed: string,
): Promise<DegradedImage> {
  const { set, id, label } = sample;
  try {
    const picture = await readImage(sample.image);
    const truth = await readTruth(sample, picture);
    if (label === 1 && !truth.data.includes(1))
      throw new DataError(sample.image, 'the mask marks no pixel but its image is listed as tampered');
    const { image, mask } = await degrade(picture, truth, chain, `${seed} ${name} ${set}/${id}`);
    const { probabilities, score } = await localizer.locate(image);
    const pixels = Ranking.of(probabilities, mask.data);
    return {
      chain: name,
      set,
      id,
      label,
      counts: pixels.counts(ownProtocol.threshold.value),
      auc: pixels.auc(),
      score,
    };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { chain: name, set, id, error: error.message };
  }
}

function printTable(terminal: Terminal, { untouched: clean, series }: Robustness): void {
  const names = (Object.keys(measures) as (keyof typeof measures)[]).filter(name => clean[name].value !== null);
  const sign = (value: number | null) => (value === null ? '–' : `${value > 0 ? '+' : ''}${decimals(value)}`);
  terminal.print('At the fixed threshold 0.5; in brackets the paired difference from the untouched pictures');
  terminal.table(
    ['Degradation', ...names.map(name => measures[name].title)],
    [
      ['none', ...names.map(name => decimals(clean[name].value))],
      ...series.flatMap(({ name: of, levels }) =>
        levels.map(({ value, overall, difference }) => [
          `${of} ${value}`,
          ...names.map(name => `${decimals(overall[name].value)} (${sign(difference[name].value)})`),
        ]),
      ),
    ],
  );
}
