import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Random, UsageError } from '@forgelens/autograd';
import type { ForgeryKind, ForgerySetResult, MadeForgery } from '@forgelens/data';
import {
  forgeryKinds,
  kindWeights,
  maskPicture,
  mosaic,
  readForgerySet,
  readMaterial,
  writeForgerySet,
} from '@forgelens/data';
import { encodeJpeg, encodePng, readImage, readMask } from '@forgelens/imaging';
import { Command, InvalidArgumentError } from 'commander';
import { examples, parseCount, parseNames } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import type { GlobalOptions } from '../terminal.ts';
import { count, percent, Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly out: string;
  readonly count: number;
  readonly seed: string;
  readonly size: number;
  readonly kinds: Readonly<Partial<Record<ForgeryKind, number>>>;
  readonly split?: string;
  readonly sets?: readonly string[];
  readonly sources: boolean;
  readonly recipes?: string;
  readonly workers: number;
  readonly sheet?: boolean;
  readonly json?: boolean;
}

const defaultKinds = Object.fromEntries(forgeryKinds.map((kind, i) => [kind, kindWeights[i]!]));

export function synthesizeCommand(context: Context): Command {
  return new Command('synthesize')
    .summary('make forgeries of photographs, with their masks')
    .description(
      'Makes forgeries of photographs whose objects are known: splices, copy-moves and removals, compressed and resized ' +
        'as pictures are on their way. Writes a data set that train and evaluate read: images, masks, the untouched ' +
        'pictures, an index, and for each forgery the recipe from which it can be made again. A run that was stopped ' +
        'goes on when it is started again.',
    )
    .argument('<photos>', 'an index.csv of photographs and objects in them, or its folder; see docs/synthesis.md')
    .requiredOption('-o, --out <folder>', 'where the data set is written')
    .option('-n, --count <n>', 'how many forgeries', parseCount, 1000)
    .option('--seed <text>', 'the same seed gives the same forgeries', '1')
    .option('--size <px>', 'width and height of the forgeries', parseCount, 512)
    .option(
      '--kinds <kind=weight,…>',
      `what is made, and how often (kinds: ${forgeryKinds.join(', ')})`,
      parseKinds,
      defaultKinds,
    )
    .option('--split <name>', 'take photographs of this split of the index only')
    .option('--sets <a,b>', 'take photographs of these sets only', parseNames)
    .option('--no-sources', 'leave out the untouched pictures')
    .option('--recipes <folder>', 'make the forgeries of another data set again, from its recipes')
    .option('--workers <n>', 'threads', parseCount, availableParallelism())
    .option('--sheet', 'write two pages of 40 random forgeries and their masks beside the index')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      examples(
        'forgelens synthesize photographs/index.csv --out forgeries --count 10000',
        'forgelens synthesize photographs --out removals --kinds removal --size 256 --sheet',
        'forgelens synthesize photographs --out again --recipes forgeries',
      ),
    )
    .action(async (material: string, _: unknown, command: Command) => {
      context.finish(await synthesize(material, command.optsWithGlobals<Options>(), context));
    });
}

/** `splice=2,removal`: a weight is 1 unless it is given. */
export function parseKinds(text: string): Partial<Record<ForgeryKind, number>> {
  const weights: Partial<Record<ForgeryKind, number>> = {};
  for (const part of parseNames(text)) {
    const [name = '', weight = '1'] = part.split('=');
    const kind = forgeryKinds.find(known => known === name);
    if (kind === undefined) throw new InvalidArgumentError(`"${name}" is none of ${forgeryKinds.join(', ')}.`);
    if (weight.trim() === '' || !(Number(weight) > 0)) throw new InvalidArgumentError('A weight must be above 0.');
    weights[kind] = Number(weight);
  }
  return weights;
}

async function synthesize(given: string, options: Options, { io }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  if (options.size < 32) throw new UsageError(`--size ${options.size}: must be at least 32 pixels`);
  const folder = path.resolve(io.cwd, options.out);
  const index = path.resolve(io.cwd, given.endsWith('.csv') ? given : path.join(given, 'index.csv'));
  const material = await readMaterial(index, { split: options.split, sets: options.sets });
  if (material.length === 0)
    throw new UsageError(
      `no photographs with objects in ${given}; give an index with rows of kind "natural…", with polygons or segments, or "object mask"`,
    );
  const recipes = options.recipes && (await readForgerySet(path.resolve(io.cwd, options.recipes)));
  const total = recipes ? recipes.length : options.count;
  const forgeries = `${total} ${total === 1 ? 'forgery' : 'forgeries'}`;
  terminal.note(`${forgeries} from ${count(material.length, 'photograph')}, on ${count(options.workers, 'thread')}`);

  const started = performance.now();
  const progress = terminal.progress(total);
  let shown = 0;
  let result: ForgerySetResult;
  try {
    result = await writeForgerySet({
      ...{ folder, material, count: total, seed: options.seed, size: options.size, kinds: options.kinds },
      ...{ sources: options.sources, workers: options.workers, signal: io.signal },
      recipes: recipes ? recipes.map(({ recipe }) => recipe) : undefined,
      onProgress: done => {
        for (; shown < done; shown++) progress.advance();
      },
    });
  } finally {
    progress.stop();
  }
  const perSecond = result.made / ((performance.now() - started) / 1000);
  if (result.interrupted) {
    terminal.note(`stopped after ${result.made + result.found} of ${total}; start it again to go on`);
    return exit.interrupted;
  }
  const made = await readForgerySet(folder);
  if (options.sheet) await writeSheets(folder, made, options.seed);
  const facts = describe(made);
  if (options.json) terminal.print(JSON.stringify({ folder: options.out, ...result, perSecond, ...facts }, null, 2));
  else {
    terminal.table(['Kind', 'Forgeries'], Object.entries(facts.kinds));
    const { least, median, most } = facts.tamperedFraction;
    terminal.print(`Tampered area: ${percent(least)} to ${percent(most)}, median ${percent(median)}`);
    terminal.print(
      `${options.out}: ${result.made} made (${perSecond.toFixed(1)} a second), ${result.found} were there`,
    );
  }
  return exit.ran;
}

function describe(made: readonly MadeForgery[]) {
  const areas = made.map(({ tamperedFraction }) => tamperedFraction).sort((a, b) => a - b);
  const kinds: Record<string, number> = {};
  for (const { kind } of made) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return { kinds, tamperedFraction: { least: areas[0]!, median: areas[areas.length >> 1]!, most: areas.at(-1)! } };
}

/** Pages of 40 random forgeries and, in the same places, of their masks. */
async function writeSheets(folder: string, made: readonly MadeForgery[], seed: string): Promise<void> {
  const chosen = new Random(seed).fork('sheet').shuffle(made).slice(0, 40);
  const images = await Promise.all(chosen.map(({ image }) => readImage(path.join(folder, image))));
  const masks = await Promise.all(chosen.map(({ mask }) => readMask(path.join(folder, mask))));
  await writeFile(path.join(folder, 'sheet.jpg'), await encodeJpeg(mosaic(images), { quality: 92 }));
  await writeFile(path.join(folder, 'sheet-masks.png'), await encodePng(mosaic(masks.map(maskPicture))));
}
