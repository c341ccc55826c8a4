import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { checkDataSetName, dataSets, listDataset } from '@forgelens/data';
import type { DataSetName, Listing } from '@forgelens/data';
import type { Command } from 'commander';
import { parseNames } from '../../arguments.ts';
import type { GlobalOptions } from '../../terminal.ts';

/** Options of every command that reads a data set in any form. */
export interface ReadingOptions extends GlobalOptions {
  readonly dataset?: string;
  readonly root?: string;
  readonly split?: string;
  readonly sets?: readonly string[];
}

/** What the argument of these commands is. */
export const pathHelp = 'a folder, an index.csv, a manifest.jsonl, or a list (.txt, .lst, .json)';

export const withReadingOptions = (command: Command): Command =>
  command
    .option('--dataset <name>', `the published data set that it is (${Object.keys(dataSets).join(', ')})`)
    .option('--root <folder>', 'what the paths of a list are relative to; its own folder unless given')
    .option('--split <name>', 'take this split only')
    .option('--sets <a,b>', 'take these sets only', parseNames);

/**
 * What there is at a path, and which data set it is, where its samples say so.
 * @throws {UsageError} when nothing is left to read
 */
export async function readListing(
  where: string,
  { dataset, root, split, sets }: ReadingOptions,
  cwd: string,
): Promise<{ listing: Listing; dataset: DataSetName | undefined }> {
  const given = dataset === undefined ? undefined : checkDataSetName(dataset);
  const listing = await listDataset(path.resolve(cwd, where), {
    dataset: given,
    root: root === undefined ? undefined : path.resolve(cwd, root),
    split,
    sets,
  });
  if (listing.samples.length + listing.problems.length === 0)
    throw new UsageError(
      `no picture left in ${where} with split "${split ?? 'any'}" and sets ${sets?.join(', ') ?? 'all'}; see its columns`,
    );
  const [first] = listing.samples;
  const named = first !== undefined && first.set in dataSets ? (first.set as DataSetName) : undefined;
  return { listing, dataset: given ?? named };
}
