import { foldsByGroup, groupBy, samplesOf } from '@forgelens/data';
import { Command } from 'commander';
import { examples, parseCount } from '../../arguments.ts';
import type { Context } from '../../context.ts';
import { exit } from '../../context.ts';
import { newFile } from '../../outputs.ts';
import { count, Terminal } from '../../terminal.ts';
import { describe, writeSamples } from './manifest.ts';
import { pathHelp, readListing, withReadingOptions } from './reading.ts';
import type { ReadingOptions } from './reading.ts';

interface Options extends ReadingOptions {
  readonly folds: number;
  readonly seed: string;
  readonly out: string;
}

export function splitCommand({ io, finish }: Context): Command {
  return withReadingOptions(new Command('split').argument('<path>', pathHelp))
    .summary('deal a data set into folds')
    .description(
      'Deals a data set into folds of nearly equal size that share no source, and writes a manifest in which they are ' +
        'the splits fold1, fold2, and so on. With validation.fold, "forgelens train" holds out the same ones.',
    )
    .requiredOption('-o, --out <file.jsonl>', 'where the manifest is written')
    .option('--folds <n>', 'how many; M2SFormer has five', parseCount, 5)
    .option('--seed <n>', 'the same seed deals the same folds', '1')
    .addHelpText(
      'after',
      examples(
        'forgelens data split casia-v2.jsonl --out folds.jsonl',
        'forgelens train configs/m2sformer.yaml --data casia-v2.jsonl --set validation.fold.number=1 --out runs/fold1',
        'forgelens evaluate --data folds.jsonl --split fold1 --model runs/fold1/best.safetensors',
      ),
    )
    .action(async (path: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const terminal = new Terminal(io, options);
      const target = newFile(io.cwd, options.out);
      const samples = samplesOf((await readListing(path, options, io.cwd)).listing);
      const folds = foldsByGroup(samples, { folds: options.folds, seed: options.seed }).map((fold, i) =>
        fold.map(sample => ({ ...sample, split: `fold${i + 1}` })),
      );
      await writeSamples(folds.flat(), target, terminal, io);
      for (const [i, fold] of folds.entries()) terminal.print(`fold${i + 1}: ${describe(fold)}`);
      const sizes = [...groupBy(samples, ({ group }) => group).values()].map(group => group.length);
      const largest = Math.max(...sizes);
      if (largest > samples.length / options.folds)
        terminal.note(
          `The folds are of unequal size: ${largest} of ${count(samples.length, 'sample')} are connected by common sources, and stay together.`,
        );
      finish(exit.ran);
    });
}
