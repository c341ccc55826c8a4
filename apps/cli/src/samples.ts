import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { readDataset } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import type { Command } from 'commander';
import { parseCount, parseNames } from './arguments.ts';

/** Which pictures of which data set. */
export interface SampleOptions {
  readonly data: string;
  readonly split?: string;
  readonly sets?: readonly string[];
  readonly limit?: number;
  readonly dataset?: string;
}

/** Gives a command the options that say which pictures are meant. */
export const addSampleOptions = (command: Command, model: string): Command =>
  command
    .requiredOption('-d, --data <index.csv|folder>', 'the pictures and their masks')
    .option('-m, --model <id|checkpoint>', 'a model of "forgelens models list", or a file', model)
    .option('--split <name>', 'take this split of an index only')
    .option('--sets <a,b>', 'take these sets only', parseNames)
    .option('--limit <n>', 'take the first n pictures of each set', parseCount)
    .option('--dataset <name>', 'the published data set that the folder holds, as it is distributed');

/**
 * The pictures that are meant, in their order.
 * @throws {UsageError} when there is none, or no set of a name
 */
export async function readSamples(
  { data, dataset, split, sets, limit = Infinity }: SampleOptions,
  cwd: string,
): Promise<Sample[]> {
  const all = await readDataset(path.resolve(cwd, data), { dataset });
  const known = [...new Set(all.map(sample => sample.set))].sort();
  const unknown = sets?.filter(set => !known.includes(set)) ?? [];
  if (unknown.length > 0) throw new UsageError(`no set ${unknown.join(', ')} in ${data} (sets: ${known.join(', ')})`);
  const taken = new Map<string, number>();
  const samples = all.filter(sample => {
    if ((split && sample.split !== split) || (sets && !sets.includes(sample.set))) return false;
    taken.set(sample.set, (taken.get(sample.set) ?? 0) + 1);
    return taken.get(sample.set)! <= limit;
  });
  if (all.length === 0) throw new UsageError(`no picture to score in ${data}`);
  if (samples.length === 0) {
    const splits = [...new Set(all.map(sample => sample.split ?? 'none'))].sort();
    throw new UsageError(`no picture left in ${data} with split "${split}" (splits: ${splits.join(', ')})`);
  }
  return samples;
}
