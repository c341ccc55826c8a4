import { UsageError } from '@forgelens/autograd';
import { nearest } from '@forgelens/localize';
import type { Declared, OwnValue, Reproduction } from '@forgelens/report';
import { marks, publishedPapers, reproduce } from '@forgelens/report';
import type { Mark } from '@forgelens/report';
import { Command } from 'commander';
import { examples, parseNames } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import { readReport } from '../report-files.ts';
import type { GlobalOptions } from '../terminal.ts';
import { decimals, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly ours?: readonly string[];
  readonly as?: readonly string[];
  readonly trainedOn?: string;
  readonly json?: boolean;
}

const tables = Object.values(publishedPapers)
  .map(({ id, tables }) => `${id}: ${Object.keys(tables).join(', ')}`)
  .join('; ');

export function reproduceCommand(context: Context): Command {
  return new Command('reproduce')
    .summary('print a published table beside our own scores')
    .description(
      'Prints a published table beside our own scores. A published number is shown as published, ours as ours, with a ' +
        `mark where the protocol, the data or the training differ.\nTables: ${tables}.`,
    )
    .argument('<paper>', Object.keys(publishedPapers).join(', '))
    .argument('<table>', 'a table of the paper')
    .option('--ours <report.json...>', 'reports of "forgelens score --json", with the protocol of the paper')
    .option('--as <set=data set,...>', 'which of our sets stands for which published data set', parseNames)
    .option('--trained-on <data set>', 'what our weights were trained on, which no report says')
    .option('--json', 'print everything as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens reproduce cdfl cross-domain',
        'forgelens score maps --protocol m2sformer --json > ours.json',
        'forgelens reproduce m2sformer trained-on-casia-v2 --ours ours.json --as dev_casia1=casia-v1',
      ),
    )
    .action(async (paper: string, table: string, _: unknown, command: Command) => {
      context.finish(await print(paper, table, command.optsWithGlobals<Options>(), context));
    });
}

async function print(paperName: string, table: string, options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const paper = choose('paper', paperName, publishedPapers);
  choose('table', table, paper.tables);
  const reports = [];
  for (const file of options.ours ?? []) reports.push(await readReport(io.cwd, file));
  const reproduction = reproduce(paper, table, reports, {
    sets: parseSets(options.as ?? []),
    trainedOn: options.trainedOn,
  });
  if (options.json) terminal.print(JSON.stringify({ ...reproduction, marks }, null, 2));
  else printTable(terminal, reproduction);
  return exit.ran;
}

function choose<T>(what: string, name: string, known: Readonly<Record<string, T>>): T {
  const there = Object.hasOwn(known, name) ? known[name] : undefined;
  if (there !== undefined) return there;
  const names = Object.keys(known);
  const meant = nearest(name, names);
  const hint = meant === null ? '' : `; did you mean "${meant}"?`;
  throw new UsageError(`unknown ${what} "${name}"${hint} (${what}s: ${names.join(', ')})`);
}

function parseSets(pairs: readonly string[]): Declared['sets'] {
  return Object.fromEntries(
    pairs.map(pair => {
      const [set, dataset, ...more] = pair.split('=');
      if (!set || !dataset || more.length > 0)
        throw new UsageError(`--as ${pair}: must be <our set>=<data set>, such as casia1_tp=casia-v1`);
      return [set, dataset];
    }),
  );
}

/** The table, in parts that a terminal is wide enough for. */
function printTable(terminal: Terminal, { citation, title, columns, published, ours }: Reproduction): void {
  terminal.print(`${title}\nPublished: ${citation}`);
  const used = new Set<Mark>();
  const cell = (own: OwnValue | null, digits: number): string => {
    if (own === null) return '–';
    for (const mark of own.marks) used.add(mark);
    return `${decimals(own.value, digits)}${own.marks.length > 0 ? ` (${own.marks.join('')})` : ''}`;
  };
  const width = published.some(({ deviations }) => deviations) ? 6 : 8;
  for (let first = 0; first < columns.length; first += width) {
    const part = columns.slice(first, first + width).map((title, i) => ({
      ...{ title, at: first + i },
      digits: Math.max(...published.map(({ values }) => digitsOf(values[first + i] ?? null))),
    }));
    terminal.table(
      ['', ...part.map(column => column.title)],
      [
        ...published.map(({ method, values, deviations }) => [
          method,
          ...part.map(({ at, digits }) =>
            [values[at], deviations?.[at]]
              .flatMap(value => (typeof value === 'number' ? decimals(value, digits) : []))
              .join(' ± '),
          ),
        ]),
        ...ours.map(({ model, values }) => [
          `ours: ${model.id} ${model.version}`,
          ...part.map(({ at, digits }) => cell(values[at] ?? null, digits)),
        ]),
      ],
    );
  }
  if (ours.length === 0)
    terminal.note('No scores of ours: make them with "forgelens score <maps> --json", and give them with --ours.');
  for (const mark of used) terminal.print(`(${mark}) ${marks[mark]}`);
}

/** How many decimals a published number has. */
const digitsOf = (value: number | null): number => (value === null ? 0 : (String(value).split('.')[1] ?? '').length);
