import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Analysis } from '@forgelens/analysis';
import { pictureFiles, readAnalysis, sha256Of } from '@forgelens/analysis';
import { DataError, UsageError } from '@forgelens/autograd';
import { makeAnalysisPage } from '@forgelens/report/analysis';
import { Command } from 'commander';
import { examples } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import { jsonEnding, newFile, reportEnding } from '../outputs.ts';
import type { GlobalOptions } from '../terminal.ts';
import { Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly picture?: string;
  readonly out?: string;
}

export function reportCommand(context: Context): Command {
  return new Command('report')
    .summary('make the report of a result again')
    .description(
      'Makes the report of a result of "forgelens analyze": one file that opens offline and prints. It is made of the ' +
        'result, its maps and the picture, and only of those: files that are not what they were are refused.',
    )
    .argument('<result.json>', 'a result of "forgelens analyze", with its maps beside it')
    .option('-p, --picture <file>', 'the picture, where it is not at the place that the result names')
    .option('-o, --out <file.html>', 'where to write it, unless beside the result')
    .addHelpText(
      'after',
      examples(
        'forgelens report forgelens-out/photo.jpg.json',
        'forgelens report forgelens-out/photo.jpg.json --picture archive/photo.jpg --out photo.html',
      ),
    )
    .action(async (file: string, _: unknown, command: Command) => {
      context.finish(await report(file, command.optsWithGlobals<Options>(), context));
    });
}

async function report(file: string, options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const target =
    options.out === undefined
      ? path.resolve(
          io.cwd,
          file.endsWith(jsonEnding) ? file.slice(0, -jsonEnding.length) + reportEnding : file + reportEnding,
        )
      : newFile(io.cwd, options.out);
  const text = await readFile(path.resolve(io.cwd, file), 'utf8').catch(() => {
    throw new UsageError(`${file}: no such result; make one with "forgelens analyze"`);
  });
  const analysis = readAnalysis(text, file);
  const original = await findOriginal(analysis, options, io.cwd);
  if (original === null)
    terminal.note(
      `${analysis.input.name} is not there as it was; the report shows its map only (name it with --picture)`,
    );

  const hashes = new Map(pictureFiles(analysis).map(picture => [picture.file, picture.sha256]));
  const readPicture = async (name: string) => {
    const beside = path.join(path.dirname(file), name);
    const bytes = await read(path.resolve(io.cwd, beside));
    if (bytes === null) throw new DataError(beside, `is missing, and ${file} needs it; analyze the picture again`);
    if ((await sha256Of(bytes)) !== hashes.get(name))
      throw new DataError(
        beside,
        `is not the map that ${file} was written with (another SHA-256); analyze the picture again`,
      );
    return bytes;
  };
  await writeFile(target, await makeAnalysisPage(analysis, readPicture, original));
  terminal.print(path.relative(io.cwd, target));
  return exit.ran;
}

/** The picture that a result is of; null when it is not where it was, or another one is. */
async function findOriginal({ input }: Analysis, { picture }: Options, cwd: string): Promise<Uint8Array | null> {
  const bytes = await read(path.resolve(cwd, picture ?? input.name));
  const isSame = bytes !== null && (await sha256Of(bytes)) === input.sha256;
  if (isSame) return bytes;
  if (picture === undefined) return null;
  if (bytes === null) throw new UsageError(`no such file: ${picture}`);
  throw new UsageError(`${picture} is not the picture of this result: its SHA-256 is not ${input.sha256}`);
}

const read = (file: string): Promise<Uint8Array | null> => readFile(file).catch(() => null);
