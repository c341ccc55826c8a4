import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { DataError } from '@forgelens/autograd';

import type { Sample } from '../sample.ts';

/** What keeps a file from being a sample, or a mask from having one. */
export interface Problem {
  readonly kind: 'missing-image' | 'missing-mask' | 'extra-mask' | 'contradiction';
  /** The file's path as the data set writes it. */
  readonly path: string;
  /** What is, and what was looked for. */
  readonly text: string;
}

/** What a reader found. */
export interface Listing {
  /** The folder, or the file that lists the samples. */
  readonly path: string;
  readonly samples: readonly Sample[];
  readonly problems: readonly Problem[];
}

/**
 * The samples of a listing.
 *
 * @throws {DataError} when a picture or a mask is missing, or a list contradicts itself; an extra mask harms nobody.
 */
export function samplesOf({ path, samples, problems }: Listing): Sample[] {
  const [first, ...others] = problems.filter(({ kind }) => kind !== 'extra-mask');
  if (first)
    throw new DataError(
      path,
      first.text + (others.length > 0 ? `; and ${others.length} more: "forgelens data check" lists them` : ''),
    );
  return [...samples];
}

/** The files of a folder and of the folders within, as paths with forward slashes, in the order of their names. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(folder, sep).length).replaceAll(sep, '/'))
    .toSorted();
}

export const isPicture = (name: string): boolean => /\.(jpe?g|png|tiff?|bmp|webp|gif|avif)$/i.test(name);
