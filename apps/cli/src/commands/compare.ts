import path from 'node:path';
import type { Comparison, NamedReport } from '@forgelens/report';
import { compareReports, comparisonCsv, comparisonPage, measureNames, measures, verdict } from '@forgelens/report';
import { Command } from 'commander';
import { examples } from '../arguments.ts';
import { describeCommand } from '../command-line.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import type { ReportOptions } from '../report-files.ts';
import { readReport, reportFiles, writeReport } from '../report-files.ts';
import type { GlobalOptions } from '../terminal.ts';
import { count, decimals, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions, ReportOptions {
  readonly json?: boolean;
}

export function compareCommand(context: Context): Command {
  return new Command('compare')
    .summary('compare models on the same pictures')
    .description(
      'Compares reports of several models on the same list of pictures, by the same protocol: each against the first ' +
        'one, picture by picture, with a 95 % interval of the difference. Where that holds 0, these pictures do not tell the two apart.',
    )
    .argument('<report.json...>', 'reports of "forgelens evaluate --json" or "forgelens score --json"')
    .option('--report <file.html>', 'write the comparison as a page')
    .option('--csv <file.csv>', 'write every number, set by set')
    .option('--json', 'print the whole comparison as JSON')
    .addHelpText(
      'after',
      examples('forgelens compare first.json second.json', 'forgelens compare *.json --report comparison.html'),
    )
    .action(async (files: string[], _: unknown, command: Command) => {
      context.finish(await compare(files, command.optsWithGlobals<Options>(), context));
    });
}

async function compare(files: readonly string[], options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const target = reportFiles(io.cwd, options);
  const reports: NamedReport[] = [];
  for (const file of files) reports.push({ name: nameOf(file, files), report: await readReport(io.cwd, file) });
  const comparison = compareReports(reports);
  const command = describeCommand('compare', options, files);
  await writeReport(target, {
    html: () => comparisonPage(comparison, { command }),
    csv: () => comparisonCsv(comparison),
  });
  if (options.json) terminal.print(JSON.stringify(comparison, null, 2));
  else printTables(terminal, comparison);
  return exit.ran;
}

/** A file's name without its ending; its path where another file has the same name. */
function nameOf(file: string, files: readonly string[]): string {
  const plain = (name: string) => path.parse(name).name;
  return files.filter(other => plain(other) === plain(file)).length > 1 ? file : plain(file);
}

function printTables(terminal: Terminal, { images, leftOut, models }: Comparison): void {
  const [first, ...others] = models;
  const names = measureNames.filter(name => models.some(({ overall }) => overall[name].value !== null));
  terminal.print(`${count(images, 'picture')} that every model has scored, at the fixed threshold 0.5`);
  terminal.table(
    ['Model', ...names.map(name => measures[name].title)],
    models.map(({ name, overall }) => [name, ...names.map(measure => decimals(overall[measure].value))]),
  );
  terminal.print(`Differences from ${first!.name}, picture by picture`);
  terminal.table(
    ['Model', 'Number', 'Difference', '95 % interval', 'The model is'],
    others.flatMap(({ name, difference }) =>
      names.map(measure => {
        const { value, interval } = difference![measure];
        return [
          ...[name, measures[measure].title, signed(value)],
          interval === null ? '–' : `${signed(interval.low)} to ${signed(interval.high)}`,
          verdict(measure, difference![measure]),
        ];
      }),
    ),
  );
  if (leftOut.length > 0) terminal.note(`${count(leftOut.length, 'picture')} left out: not scored by every model`);
}

const signed = (value: number | null): string => (value === null ? '–' : `${value > 0 ? '+' : ''}${decimals(value)}`);
