import { writeFile } from 'node:fs/promises';
import { checkDataset, contactSheet, dataSets, findingKinds, repair, writeManifest } from '@forgelens/data';
import type { CheckReport, DataSetName, FindingKind } from '@forgelens/data';
import { software } from '@forgelens/localize';
import { Command } from 'commander';
import { examples } from '../../arguments.ts';
import type { Context, ExitCode } from '../../context.ts';
import { exit } from '../../context.ts';
import { newFile } from '../../outputs.ts';
import { count, Terminal } from '../../terminal.ts';
import { pathHelp, readListing, withReadingOptions } from './reading.ts';
import type { ReadingOptions } from './reading.ts';

interface Options extends ReadingOptions {
  readonly json?: boolean;
  readonly sheet?: string;
  readonly fix?: string;
}

/** Findings of a kind that are printed; --json has all. */
const printed = 10;

export function checkCommand({ io, finish }: Context): Command {
  return withReadingOptions(new Command('check').argument('<path>', pathHelp))
    .summary('find what is wrong with a data set')
    .description(
      'Reads every file of a data set and tells what is wrong: unreadable files, missing and extra masks, masks of ' +
        'another size, inverted, coloured or grey ones, duplicates and pictures that look the same, sources on both ' +
        'sides of a split, equal file names, and what is published about the data set. It changes no file.',
    )
    .option('--json', 'print the whole report as JSON')
    .option('--sheet <file.html>', 'write a page with the pictures and masks that something was found about')
    .option('--fix <file.jsonl>', 'write a manifest without what is wrong; no other file is touched')
    .addHelpText(
      'after',
      examples(
        'forgelens data check dataset/index.csv --split train --sheet suspicious.html',
        'forgelens data check COVERAGE --dataset coverage --fix coverage.jsonl',
      ) + '\n\nIt ends with 3 when it finds errors or warnings.',
    )
    .action(async (path: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      finish(await check(path, options, new Terminal(io, options), io));
    });
}

async function check(path: string, options: Options, terminal: Terminal, io: Context['io']): Promise<ExitCode> {
  const sheet = options.sheet === undefined ? null : newFile(io.cwd, options.sheet, '--sheet');
  const fixed = options.fix === undefined ? null : newFile(io.cwd, options.fix, '--fix');
  const { listing, dataset } = await readListing(path, options, io.cwd);
  const progress = terminal.progress(listing.samples.length);
  let report: CheckReport;
  try {
    report = await checkDataset(listing, {
      dataset,
      signal: io.signal,
      onProgress: (_, sample) => {
        progress.advance();
        progress.show(sample.id);
      },
    });
  } finally {
    progress.stop();
  }
  if (options.json) {
    const { hashes: _, ...facts } = report;
    terminal.print(JSON.stringify({ software, dataset: dataset ?? null, ...facts, path }, null, 2));
  } else printReport(terminal, report, dataset);
  if (sheet !== null) {
    await writeFile(sheet, await contactSheet(report, listing.samples));
    terminal.note(`${options.sheet}: ${count(Math.min(report.findings.length, 300), 'finding')} to look at`);
  }
  if (fixed !== null) {
    const samples = repair(listing.samples, report);
    await writeFile(fixed, await writeManifest(samples, { path: fixed, hashes: report.hashes, signal: io.signal }));
    terminal.note(`${options.fix}: ${samples.length} of ${count(listing.samples.length, 'sample')}`);
  }
  return report.findings.some(({ kind }) => findingKinds[kind][0] !== 'note') ? exit.someInputsFailed : exit.ran;
}

function printReport(terminal: Terminal, report: CheckReport, dataset: DataSetName | undefined): void {
  const { samples, tampered, authentic, counts, findings, known } = report;
  terminal.print(`${count(samples, 'sample')}: ${tampered} tampered, ${authentic} authentic`);
  const kinds = Object.keys(counts) as FindingKind[];
  if (kinds.length === 0) terminal.print('Nothing is wrong with them.');
  else
    terminal.table(
      ['Finding', 'Severity', 'Count', 'What it is', 'In a repaired manifest'],
      kinds.map(kind => {
        const [severity, what, repaired] = findingKinds[kind];
        return [kind, severity, counts[kind]!, what, repaired];
      }),
    );
  for (const kind of kinds) {
    const all = findings.filter(finding => finding.kind === kind);
    terminal.print(`\n${kind}`);
    for (const { text, known: published } of all.slice(0, printed))
      terminal.print(`  ${text}${published === undefined ? '' : ` (known: ${published})`}`);
    if (all.length > printed) terminal.print(`  and ${all.length - printed} more: --json prints them all`);
  }
  if (dataset === undefined || known.length === 0) return;
  terminal.print(`\nKnown of ${dataSets[dataset].title}`);
  for (const what of known) terminal.print(`  ${what}`);
}
