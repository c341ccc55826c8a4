import path from 'node:path';
import { evaluateLocalizer, hashManifest, mapsFormat, MapsFolder } from '@forgelens/evaluate';
import type { MapsHeader, Precision, Report, SetReport } from '@forgelens/evaluate';
import { software } from '@forgelens/localize';
import { Command, Option } from 'commander';
import { examples } from '../arguments.ts';
import { describeCommand } from '../command-line.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import { OutputFolder } from '../outputs.ts';
import type { ReportOptions } from '../report-files.ts';
import { reportFiles, seeMaps, seeSamples, writeEvaluation } from '../report-files.ts';
import type { SampleOptions } from '../samples.ts';
import { addSampleOptions, readSamples } from '../samples.ts';
import type { GlobalOptions } from '../terminal.ts';
import { decimals, percent, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions, SampleOptions, ReportOptions {
  readonly model: string;
  readonly out?: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

export function evaluateCommand(context: Context): Command {
  const command = new Command('evaluate')
    .summary('score a model on pictures whose tampering is known')
    .description(
      'Scores a model on pictures whose tampering is known, set by set: F1, IoU and Dice at the fixed threshold 0.5 ' +
        '(mean of the images, and of their pooled pixels), AUC from raw probabilities, and the false alarms on authentic ' +
        'pictures. With --out the maps are kept: "forgelens score" takes any other numbers from them, and an evaluation ' +
        'that was stopped goes on where it was.',
    );
  return addSampleOptions(command, context.models.default)
    .option('-o, --out <folder>', 'keep the map of each picture there, and do not make again what is there')
    .addOption(
      new Option('--precision <type>', 'of the maps that are kept').choices(['float32', 'float16']).default('float32'),
    )
    .option('--report <file.html>', 'write the report as a page, with curves and the best and worst pictures')
    .option('--csv <file.csv>', 'write the numbers of each picture')
    .option('--json', 'print the whole report, with every image, as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens evaluate --data dataset/index.csv --split dev --report report.html',
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
  const files = reportFiles(io.cwd, options);
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
  let report: Report;
  try {
    const header = { ...made, manifestSha256: hashManifest(samples), samples: samples.length, precision };
    const maps =
      out === undefined ? undefined : await openMaps(path.resolve(io.cwd, out), { format: mapsFormat, ...header });
    const evaluation = await evaluateLocalizer(image => localizer.locate(image), samples, {
      maps,
      signal: io.signal,
      onProgress: (done, _, sample) => {
        if (done > 0) progress.advance();
        progress.show(sample.id);
      },
    });
    report = { schemaVersion: 1, ...made, ...evaluation };
    const see = maps ? seeMaps(maps) : seeSamples(samples, localizer);
    await writeEvaluation(files, report, describeCommand('evaluate', options), see);
  } finally {
    progress.stop();
    await localizer.close();
  }

  if (options.json) terminal.print(JSON.stringify(report, null, 2));
  else printTables(terminal, report);
  for (const { error } of report.excluded) terminal.problem(`excluded: ${error}`);
  if (report.overall.tampered.images === 0)
    terminal.note('No picture has a mask that marks tampering, so only false alarms could be measured.');
  if (out !== undefined)
    terminal.note(`The maps are in ${out}; "forgelens score ${out}" takes other numbers from them.`);
  return report.excluded.length > 0 ? exit.someInputsFailed : exit.ran;
}

/** @throws {UsageError} when nothing can be written there, and as `MapsFolder.open`. */
async function openMaps(folder: string, header: MapsHeader): Promise<MapsFolder> {
  await OutputFolder.open(folder);
  return MapsFolder.open(folder, header);
}

function printTables(terminal: Terminal, { overall, sets, protocol }: Report): void {
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
