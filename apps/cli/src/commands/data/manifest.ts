import { writeFile } from 'node:fs/promises';
import { samplesOf, writeManifest } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import { Command } from 'commander';
import { examples } from '../../arguments.ts';
import type { Context } from '../../context.ts';
import { exit } from '../../context.ts';
import { newFile } from '../../outputs.ts';
import { count, Terminal } from '../../terminal.ts';
import { pathHelp, readListing, withReadingOptions } from './reading.ts';
import type { ReadingOptions } from './reading.ts';

interface Options extends ReadingOptions {
  readonly out: string;
}

export function manifestCommand({ io, finish }: Context): Command {
  return withReadingOptions(new Command('manifest').argument('<path>', pathHelp))
    .summary('list the files of a data set with their hashes')
    .description(
      'Writes a manifest: a line for each sample, with its picture, its masks and how they are read, its source, and the ' +
        'SHA-256 of every file. Every command takes a manifest as a data set.',
    )
    .requiredOption('-o, --out <file.jsonl>', 'where it is written')
    .addHelpText(
      'after',
      examples(
        'forgelens data manifest CASIA2 --dataset casia-v2 --out casia-v2.jsonl',
        'forgelens data manifest CASIA_v2_valid_list.txt --root CASIA --dataset casia-v2 --out valid.jsonl',
      ),
    )
    .action(async (path: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const terminal = new Terminal(io, options);
      const target = newFile(io.cwd, options.out);
      const samples = samplesOf((await readListing(path, options, io.cwd)).listing);
      await writeSamples(samples, target, terminal, io);
      terminal.print(`${options.out}: ${describe(samples)}`);
      finish(exit.ran);
    });
}

/** Writes a manifest, with a progress bar. */
export async function writeSamples(
  samples: readonly Sample[],
  target: string,
  terminal: Terminal,
  { signal }: Context['io'],
): Promise<void> {
  const progress = terminal.progress(samples.length);
  try {
    await writeFile(
      target,
      await writeManifest(samples, { path: target, signal, onProgress: () => progress.advance() }),
    );
  } finally {
    progress.stop();
  }
}

/** `3 samples of 2 sources, 1 tampered and 2 authentic`. */
export function describe(samples: readonly Sample[]): string {
  const sources = new Set(samples.map(({ group }) => group)).size;
  const tampered = samples.filter(({ label }) => label === 1).length;
  return `${count(samples.length, 'sample')} of ${count(sources, 'source')}, ${tampered} tampered and ${samples.length - tampered} authentic`;
}
