import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Analysis, Progress } from '@forgelens/analysis';
import { formatAnalysis, isSameWork, sha256Of } from '@forgelens/analysis';
import { analyzePicture } from '@forgelens/analysis/node';
import { CheckpointError, DataError, UsageError } from '@forgelens/autograd';
import { absenceIsNoProof } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { makeAnalysisPage } from '@forgelens/report/analysis';
import { Command } from 'commander';
import type { Context, ExitCode, Io } from '../context.ts';
import { exit } from '../context.ts';
import { examples, parseThreshold } from '../arguments.ts';
import type { Input } from '../inputs.ts';
import { findInputs } from '../inputs.ts';
import {
  evidenceEnding,
  jsonEnding,
  mapEnding,
  OutputFolder,
  overlayEnding,
  pictureEnding,
  reportEnding,
} from '../outputs.ts';
import type { GlobalOptions } from '../terminal.ts';
import { count, decimals, percent, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly out: string;
  readonly model: string;
  readonly threshold: number;
  readonly evidence: boolean;
  readonly report: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** A picture that was looked at, now or before. */
interface Done {
  /** As the user named it. */
  readonly path: string;
  /** As its files are named in the output folder. */
  readonly name: string;
  readonly analysis: Analysis;
  readonly isEarlier: boolean;
}

/** A picture that could not be looked at, in one sentence. */
interface Failed {
  readonly path: string;
  readonly error: string;
}

export function analyzeCommand(context: Context): Command {
  return new Command('analyze')
    .summary('show where pictures may have been tampered with')
    .description(
      'Shows where pictures may have been tampered with. For each one it writes a report to read (.html), a map of 16 ' +
        `bits (.map.png), the map over the picture (.overlay.png), maps of other evidence (.evidence) and everything that is known (.json).\n${absenceIsNoProof}`,
    )
    .argument('<inputs...>', 'files, folders (with the folders within) and globs')
    .option('-o, --out <folder>', 'where results are written', 'forgelens-out')
    .option('-m, --model <id|checkpoint>', 'a model of "forgelens models list", or a file', context.models.default)
    .option('-t, --threshold <p>', 'flag pixels whose probability is greater', parseThreshold, 0.5)
    .option('--no-evidence', 'look with the network only, not for other evidence')
    .option('--no-report', 'write no reports')
    .option('--force', 'do finished work again')
    .option('--json', 'print the list of results as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens analyze photo.jpg',
        'forgelens analyze photos --out results',
        `forgelens analyze 'photos/**/*.jpg' --threshold 0.7 --json > results.json`,
      ),
    )
    .action(async (args: string[], _: unknown, command: Command) => {
      context.finish(await analyze(args, command.optsWithGlobals<Options>(), context));
    });
}

async function analyze(args: readonly string[], options: Options, { io, models }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const inputs = await findInputs(args, io.cwd);
  const localizer = await models.open(options.model);

  const done: Done[] = [];
  const failed: Failed[] = [];
  let hasFault = false;
  const progress = terminal.progress(inputs.length);
  try {
    const output = await OutputFolder.open(path.resolve(io.cwd, options.out));
    for (const input of inputs) {
      if (io.signal?.aborted) break;
      progress.show(input.path);
      try {
        const tell = (doing: string) => progress.show(`${input.path}: ${doing}`);
        done.push(await look(input, options, localizer, output, { ...io, tell }));
      } catch (error) {
        if (io.signal?.aborted) break;
        // An output folder or a model that cannot be used is not the picture's fault, and the next one's neither.
        if (error instanceof UsageError || error instanceof CheckpointError) throw error;
        const isExpected = error instanceof DataError;
        hasFault ||= !isExpected;
        failed.push({
          path: input.path,
          error: isExpected ? error.message : `${input.path}: ${(error as Error).stack}`,
        });
      }
      progress.advance();
    }
  } finally {
    progress.stop();
    await localizer.close();
  }

  const interrupted = io.signal?.aborted === true;
  if (options.json) terminal.print(JSON.stringify(summarize(done, failed, options), null, 2));
  else if (done.length > 0) printTable(terminal, done, options);
  for (const { error } of failed) terminal.problem(`failed: ${error}`);
  const earlier = done.filter(({ isEarlier }) => isEarlier).length;
  if (earlier > 0)
    terminal.note(`${count(earlier, 'picture')} had been done before (--force does finished work again)`);
  terminal.note(`${count(done.length - earlier, 'picture')} analyzed, ${earlier} skipped, ${failed.length} failed`);
  if (interrupted) terminal.problem(`stopped with ${inputs.length - done.length - failed.length} to do`);

  if (interrupted) return exit.interrupted;
  if (hasFault) return exit.fault;
  return failed.length > 0 ? exit.someInputsFailed : exit.ran;
}

/** Looks at one picture and writes its files, unless they are there already. */
async function look(
  input: Input,
  { threshold, evidence, report, force }: Options,
  localizer: Localizer,
  output: OutputFolder,
  { cwd, signal, tell }: Pick<Io, 'cwd' | 'signal'> & { readonly tell: (doing: string) => void },
): Promise<Done> {
  const bytes = await readFile(path.resolve(cwd, input.path)).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(input.path, `cannot be read (${error.code})`, { cause: error });
  });
  const picture = { name: input.path, sha256: await sha256Of(bytes) };
  const { name, earlier } = await output.reserve(input.name, picture);
  const isEarlier =
    !force && earlier !== null && isSameWork(earlier, picture.sha256, localizer, { threshold, evidence });
  const analysis = isEarlier ? earlier : await lookAnew();
  const reportFile = name + reportEnding;
  if (report && !(isEarlier && existsSync(path.join(output.folder, reportFile)))) {
    const readPicture = (file: string) => readFile(path.join(output.folder, path.dirname(name), file));
    await output.writeFile(reportFile, await makeAnalysisPage(analysis, readPicture, bytes));
  }
  return { path: input.path, name, analysis, isEarlier };

  async function lookAnew(): Promise<Analysis> {
    const files = output.begin(name);
    try {
      const { analysis } = await analyzePicture(bytes, input.path, localizer, {
        ...{ threshold, evidence, signal },
        nameFile: key => path.basename(name) + pictureEnding(key),
        savePicture: (file, png) => files.add(file, png),
        onProgress: progress => tell(describeProgress(progress)),
      });
      await files.finish(formatAnalysis(analysis));
      return analysis;
    } catch (error) {
      await files.discard();
      throw error;
    }
  }
}

function describeProgress({ stage, done, total }: Progress): string {
  switch (stage) {
    case 'decode':
      return 'reading';
    case 'locate':
      return total > 1 ? `tile ${Math.min(done + 1, total)} of ${total}` : 'looking';
    case 'draw':
      return 'drawing maps';
    case 'evidence':
      return `evidence ${done + 1} of ${total}`;
  }
}

function printTable(terminal: Terminal, done: readonly Done[], { out, report, evidence }: Options): void {
  const [kind, ending] = report ? ['Report', reportEnding] : ['Overlay', overlayEnding];
  terminal.table(
    ['Picture', 'Score', 'Flagged area', 'Regions', 'Seconds', kind],
    done.map(({ path: file, name, analysis, isEarlier }) => [
      file,
      decimals(analysis.score.value),
      percent(analysis.areaFraction),
      analysis.regions.length,
      isEarlier ? 'done before' : decimals(analysis.timing.totalMs / 1000, 2),
      path.join(out, name + ending),
    ]),
  );
  const warned = done.filter(({ analysis }) => analysis.warnings.length > 0);
  for (const { path: file, analysis } of warned) terminal.note(`${file}: ${analysis.warnings.join(' ')}`);
  const reports = report ? ` a report to open (${reportEnding}),` : '';
  const maps = evidence ? `, maps of other evidence (${evidenceEnding})` : '';
  terminal.print(
    `For each picture there is in ${out}:${reports} the map over it (${overlayEnding}), the map itself ` +
      `(${mapEnding})${maps} and all numbers (${jsonEnding}).\nA score is a reason to look, not a verdict. ${absenceIsNoProof}`,
  );
}

/** What `--json` prints: a line's worth of each result, and where the whole of it is. */
const summarize = (done: readonly Done[], failed: readonly Failed[], { out, report }: Options) => ({
  results: done.map(({ path: file, name, analysis, isEarlier }) => ({
    path: file,
    score: analysis.score.value,
    finding: analysis.score.finding,
    areaFraction: analysis.areaFraction,
    regions: analysis.regions.length,
    skipped: isEarlier,
    map: path.join(out, name + mapEnding),
    overlay: path.join(out, name + overlayEnding),
    result: path.join(out, name + jsonEnding),
    ...(report && { report: path.join(out, name + reportEnding) }),
  })),
  failed,
});
