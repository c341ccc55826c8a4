import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { readDataset } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import { evaluateLocalizer, hashManifest, mapsFormat, MapsFolder } from '@forgelens/evaluate';
import type { Evaluation, MapsHeader, Precision, Report, SetReport } from '@forgelens/evaluate';
import { software } from '@forgelens/localize';
import { Command, Option } from 'commander';
import { examples, parseCount, parseNames } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import { OutputFolder } from '../outputs.ts';
import type { GlobalOptions } from '../terminal.ts';
import { decimals, percent, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly data: string;
  readonly model: string;
  readonly split?: string;
  readonly sets?: readonly string[];
  readonly limit?: number;
  readonly dataset?: string;
  readonly out?: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

export function evaluateCommand(context: Context): Command {
  return new Command('evaluate')
    .summary('score a model on pictures whose tampering is known')
    .description(
      'Scores a model on pictures whose tampering is known, set by set: F1, IoU and Dice at the fixed threshold 0.5 ' +
        '(mean of the images, and of their pooled pixels), AUC from raw probabilities, and the false alarms on authentic ' +
        'pictures. With --out the maps are kept: "forgelens score" takes any other numbers from them, and an evaluation ' +
        'that was stopped goes on where it was.',
    )
    .requiredOption('-d, --data <index.csv|folder>', 'the pictures and their masks')
    .option('-m, --model <id|checkpoint>', 'a model of "forgelens models list", or a file', context.models.default)
    .option('--split <name>', 'take this split of an index only')
    .option('--sets <a,b>', 'take these sets only', parseNames)
    .option('--limit <n>', 'take the first n pictures of each set', parseCount)
    .option('--dataset <name>', 'the published data set that the folder holds, as it is distributed')
    .option('-o, --out <folder>', 'keep the map of each picture there, and do not make again what is there')
    .addOption(
      new Option('--precision <type>', 'of the maps that are kept').choices(['float32', 'float16']).default('float32'),
    )
    .option('--json', 'print the whole report, with every image, as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens evaluate --data dataset/index.csv --split dev',
        'forgelens evaluate --data dataset/index.csv --out maps && forgelens score maps',
        'forgelens evaluate --data casia --model runs/first/best.safetensors --json > report.json',
      ),
    )
    .action(async (_: unknown, command: Command) => {
      context.finish(await evaluate(command.optsWithGlobals<Options>(), context));
    });
}

async function evaluate(options: Options, { io, models }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const samples = await readSamples(options, io.cwd);
  const localizer = await models.open(options.model);
  const { id, version, weightsSha256, sizePolicy } = localizer.info;
  const { data, split, sets, limit, out, precision } = options;
  const made = {
    software,
    model: { id, version, weightsSha256, sizePolicy },
    data: { path: data, split, sets, limit },
  };
  const progress = terminal.progress(samples.length);
  let evaluation: Evaluation;
  try {
    const header = { ...made, manifestSha256: hashManifest(samples), samples: samples.length, precision };
    evaluation = await evaluateLocalizer(image => localizer.locate(image), samples, {
      maps:
        out === undefined ? undefined : await openMaps(path.resolve(io.cwd, out), { format: mapsFormat, ...header }),
      signal: io.signal,
      onProgress: (done, _, sample) => {
        if (done > 0) progress.advance();
        progress.show(sample.id);
      },
    });
  } finally {
    progress.stop();
    await localizer.close();
  }

  if (options.json)
    terminal.print(JSON.stringify({ schemaVersion: 1, ...made, ...evaluation } satisfies Report, null, 2));
  else printTables(terminal, evaluation);
  for (const { error } of evaluation.excluded) terminal.problem(`excluded: ${error}`);
  if (evaluation.overall.tampered.images === 0)
    terminal.note('No picture has a mask that marks tampering, so only false alarms could be measured.');
  if (out !== undefined)
    terminal.note(`The maps are in ${out}; "forgelens score ${out}" takes other numbers from them.`);
  return evaluation.excluded.length > 0 ? exit.someInputsFailed : exit.ran;
}

/** @throws {UsageError} when nothing can be written there, and as `MapsFolder.open`. */
async function openMaps(folder: string, header: MapsHeader): Promise<MapsFolder> {
  await OutputFolder.open(folder);
  return MapsFolder.open(folder, header);
}

async function readSamples({ data, dataset, split, sets, limit = Infinity }: Options, cwd: string): Promise<Sample[]> {
  const all = await readDataset(path.resolve(cwd, data), { dataset });
  const known = [...new Set(all.map(sample => sample.set))].sort();
  const unknown = sets?.filter(set => !known.includes(set)) ?? [];
  if (unknown.length > 0) throw new UsageError(`no set ${unknown.join(', ')} in ${data} (sets: ${known.join(', ')})`);
  const taken = new Map<string, number>();
  const samples = all.filter(sample => {
    if ((split && sample.split !== split) || (sets && !sets.includes(sample.set))) return false;
    taken.set(sample.set, (taken.get(sample.set) ?? 0) + 1);
    return taken.get(sample.set)! <= limit;
  });
  if (all.length === 0) throw new UsageError(`no picture to score in ${data}`);
  if (samples.length === 0) {
    const splits = [...new Set(all.map(sample => sample.split ?? 'none'))].sort();
    throw new UsageError(`no picture left in ${data} with split "${split}" (splits: ${splits.join(', ')})`);
  }
  return samples;
}

function printTables(terminal: Terminal, { overall, sets, protocol }: Evaluation): void {
  const rows: [string, SetReport][] = [...Object.entries(sets), ['all', overall]];
  // A set of which nothing could be scored has its line too.
  const tampered = rows.filter(([, set]) => set.tampered.images > 0 || set.authentic.images === 0);
  const authentic = rows.filter(([, set]) => set.authentic.images > 0);
  if (tampered.length > 0) {
    terminal.print(
      `Tampered pictures, at the fixed threshold ${protocol.threshold.value}: mean of the images / pooled pixels`,
    );
    terminal.table(
      ['Set', 'Scored', 'Excluded', 'F1', 'IoU', 'Dice', 'AUC', 'F1 of marking everything'],
      tampered.map(([name, { excluded, tampered: t }]) => [
        name,
        t.images,
        excluded,
        ...[t.f1, t.iou, t.dice, t.auc, t.markEverything].map(
          ({ perImage, pooled }) => `${decimals(perImage)} / ${decimals(pooled)}`,
        ),
      ]),
    );
  }
  if (authentic.length > 0) {
    terminal.print('Authentic pictures: every flagged pixel is a false alarm');
    terminal.table(
      ['Set', 'Scored', 'Specificity', 'False-alarm area', 'Pictures with a flagged pixel'],
      authentic.map(([name, { authentic: a }]) => [
        name,
        a.images,
        decimals(a.specificity),
        percent(a.falseAlarmArea),
        a.imagesFlagged,
      ]),
    );
  }
}
