import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { checkComparable, MapsFolder, protocols, scoreMaps } from '@forgelens/evaluate';
import type { Measured, Protocol, ProtocolName, Report } from '@forgelens/evaluate';
import { nearest, software } from '@forgelens/localize';
import { Command } from 'commander';
import { examples, parseCount, parseNames } from '../arguments.ts';
import { describeCommand } from '../command-line.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import type { ReportOptions } from '../report-files.ts';
import { reportFiles, seeMaps, writeEvaluation } from '../report-files.ts';
import type { GlobalOptions } from '../terminal.ts';
import { decimals, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions, ReportOptions {
  readonly protocol: readonly string[];
  readonly sets?: readonly string[];
  readonly workers: number;
  readonly json?: boolean;
}

const names = Object.keys(protocols) as ProtocolName[];

export function scoreCommand(context: Context): Command {
  return new Command('score')
    .summary('score maps that are there already, by the rules of any publication')
    .description(
      'Scores the maps that "forgelens evaluate --out" has kept, without a network. On the same maps the convention ' +
        'alone moves F1 by a factor of two and more: compare numbers of one protocol only, and each with its floor, ' +
        'what marking every pixel scores. Several folders are compared if they are of the same pictures.',
    )
    .argument('<folder...>', 'folders of maps')
    .option('-p, --protocol <a,b>', `"all", or some of ${names.join(', ')}`, parseNames, ['all'])
    .option('--sets <a,b>', 'take these sets only', parseNames)
    .option('--workers <n>', 'threads; the numbers do not depend on it', parseCount, 1)
    .option('--report <file.html>', 'write the report of one folder as a page, with the best and worst pictures')
    .option('--csv <file.csv>', 'write the numbers of each picture of one folder')
    .option('--json', 'print one whole report, with every image, as JSON (a list of them for several folders)')
    .addHelpText(
      'after',
      examples(
        'forgelens evaluate --data dataset/index.csv --out maps && forgelens score maps',
        'forgelens score maps --protocol trufor,forgelens',
        'forgelens score maps --report report.html --csv pictures.csv',
        'forgelens score maps-of-one-model maps-of-another --json > reports.json',
      ),
    )
    .action(async (folders: string[], _: unknown, command: Command) => {
      context.finish(await score(folders, command.optsWithGlobals<Options>(), context));
    });
}

async function score(given: readonly string[], options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const chosen = chooseProtocols(options.protocol);
  if (given.length > 1 && (options.report !== undefined || options.csv !== undefined))
    throw new UsageError(
      '--report and --csv are of one folder; "forgelens compare" makes a page of several, from their reports',
    );
  const files = reportFiles(io.cwd, options);
  const folders: MapsFolder[] = [];
  for (const folder of given) folders.push(await MapsFolder.read(path.resolve(io.cwd, folder)));
  checkComparable(folders);

  const reports: Report[] = [];
  for (const folder of folders) {
    const progress = terminal.progress(folder.images().length);
    try {
      const evaluation = await scoreMaps(folder, {
        ...{ protocols: chosen, sets: options.sets, workers: options.workers, signal: io.signal },
        onProgress: () => progress.advance(),
      });
      const { model, data } = folder.header;
      reports.push({ schemaVersion: 1, software, model, data, ...evaluation });
    } finally {
      progress.stop();
    }
  }

  const [first] = reports;
  await writeEvaluation(files, first!, describeCommand('score', options, given), seeMaps(folders[0]!));
  if (options.json) terminal.print(JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2));
  else if (options.protocol.includes('all')) printF1(terminal, given, reports);
  else for (const protocol of chosen) printProtocol(terminal, protocol, given, reports);
  const excluded = reports.flatMap(report => report.excluded);
  for (const { error } of excluded) terminal.problem(`excluded: ${error}`);
  return excluded.length > 0 ? exit.someInputsFailed : exit.ran;
}

/** @throws {UsageError} when there is no protocol of a name. */
function chooseProtocols(asked: readonly string[]): Protocol[] {
  const known: Readonly<Record<string, Protocol>> = protocols;
  if (asked.includes('all')) return Object.values(known);
  return asked.map(name => {
    if (known[name]) return known[name];
    const meant = nearest(name, names);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    throw new UsageError(`unknown protocol "${name}"${hint} (protocols: all, ${names.join(', ')})`);
  });
}

const columns = ['95 % interval', 'Images', 'Undefined', 'Inverted', 'Marking everything'];

const cellsOf = ({ interval, images, undefined: left, inverted, markEverything }: Measured) => [
  interval ? `${decimals(interval.low)}–${decimals(interval.high)}` : '–',
  images,
  left,
  inverted ?? '–',
  decimals(markEverything),
];

/** Every F1 of every protocol, one below the other: what the convention alone does. */
function printF1(terminal: Terminal, folders: readonly string[], reports: readonly Report[]): void {
  const many = reports.length > 1;
  terminal.print('F1 on the same maps, by every protocol');
  terminal.table(
    [...(many ? ['Maps'] : []), 'Protocol', 'Measure', 'F1', ...columns],
    protocolsOf(reports).flatMap(({ name, measures }, p) =>
      measures.flatMap((measure, m) =>
        measure.level === 'pixels' && measure.of === 'f1'
          ? reports.map((report, r) => {
              const measured = report.protocols[p]!.overall[m]!;
              return [
                ...(many ? [folders[r]!] : []),
                name,
                measure.name,
                decimals(measured.value),
                ...cellsOf(measured),
              ];
            })
          : [],
      ),
    ),
  );
  terminal.note('--protocol <name> shows the other measures of a protocol, and its quirks; --json everything.');
}

/** All measures of a protocol, and what is easily overlooked in it. */
function printProtocol(
  terminal: Terminal,
  { name, title, quirks, differences }: Protocol,
  folders: readonly string[],
  reports: readonly Report[],
): void {
  const many = reports.length > 1;
  const p = protocolsOf(reports).findIndex(protocol => protocol.name === name);
  const rowsOf = (set: string, measuredOf: (report: Report) => readonly Measured[]) =>
    measuredOf(reports[0]!).flatMap((_, m) =>
      reports.map((report, r) => {
        const measured = measuredOf(report)[m]!;
        return [...(many ? [folders[r]!] : []), set, measured.name, decimals(measured.value), ...cellsOf(measured)];
      }),
    );
  const sets = Object.keys(reports[0]!.sets);
  terminal.print(title);
  terminal.table(
    [...(many ? ['Maps'] : []), 'Set', 'Measure', 'Value', ...columns],
    [
      ...(sets.length > 1 ? sets.flatMap(set => rowsOf(set, report => report.protocols[p]!.sets[set]!)) : []),
      ...rowsOf('all', report => report.protocols[p]!.overall),
    ],
  );
  for (const text of [...quirks, ...differences.map(text => `Differs: ${text}`)]) terminal.note(text);
}

const protocolsOf = ([first]: readonly Report[]): Protocol[] => first!.protocols.map(({ protocol }) => protocol);
