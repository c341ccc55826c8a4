import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { DataError, UsageError } from '@forgelens/autograd';

import { connectedGroups } from '../groups.ts';
import type { Sample } from '../sample.ts';
import { dataSets, type DataSetName } from './data-sets.ts';
import { readFolder } from './folder.ts';
import { passes, readIndex, type Filter } from './index-file.ts';
import { readList, type ListOptions } from './list-file.ts';
import type { DataSet } from './layout.ts';
import { samplesOf, type Listing } from './listing.ts';
import { readManifest } from './manifest.ts';

export interface ReadOptions extends Filter, ListOptions {
  /** The published data set that a folder holds, as it is distributed, or that a list is of. */
  readonly dataset?: string;
}

/** @throws {UsageError} when there is no such data set. */
export function checkDataSetName(name: string): DataSetName {
  if (!(name in dataSets))
    throw new UsageError(`unknown data set "${name}" (data sets: ${Object.keys(dataSets).join(', ')})`);
  return name as DataSetName;
}

/**
 * What there is at a path: a manifest (`.jsonl`), an index (`.csv`), a list (`.json`, `.txt`, `.lst`), a folder with an
 * `index.csv`, a published data set, or a folder as `readFolder` takes it.
 *
 * @throws {UsageError} when there is no such data set.
 * @throws {DataError} when there is nothing at the path, or nothing of what it should be.
 */
export async function listDataset(path: string, { dataset, root, ...filter }: ReadOptions = {}): Promise<Listing> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new DataError(path, 'no such file or folder');
  const name = dataset === undefined ? null : checkDataSetName(dataset);
  if (found.isDirectory()) {
    if (name !== null) return filtered(await dataSets[name].read(path), filter);
    const index = join(path, 'index.csv');
    return existsSync(index) ? readIndex(index, filter) : filtered(await readFolder(path), filter);
  }
  if (path.endsWith('.jsonl')) return readManifest(path, filter);
  if (/\.(json|txt|lst)$/i.test(path)) {
    const listing = await readList(path, { root });
    return filtered(name === null ? listing : asDataSet(listing, name), filter);
  }
  return readIndex(path, filter);
}

/**
 * The samples at a path, as `listDataset` finds them.
 *
 * @throws {DataError} as `listDataset`, and when a picture or a mask is missing, or a list contradicts itself.
 */
export const readDataset = async (path: string, options: ReadOptions = {}): Promise<Sample[]> =>
  samplesOf(await listDataset(path, options));

const filtered = (listing: Listing, filter: Filter): Listing => ({
  ...listing,
  samples: listing.samples.filter(sample => passes(filter, sample)),
});

/** A list of a data set's pictures has the data set's name, its masks and its sources. */
function asDataSet(listing: Listing, name: DataSetName): Listing {
  const { maskRule, sourcesOf }: DataSet = dataSets[name];
  const groups = connectedGroups(listing.samples.map(({ id }) => sourcesOf(id)));
  const samples = listing.samples.map((sample, i) => ({
    ...sample,
    set: name,
    group: groups[i]!,
    ...(sample.mask !== null && maskRule && { maskRule }),
  }));
  return { ...listing, samples };
}
