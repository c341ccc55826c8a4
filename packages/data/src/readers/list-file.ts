import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, parse, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';

import { connectedGroups, sourceNames } from '../groups.ts';
import type { Sample } from '../sample.ts';
import type { Listing, Problem } from './listing.ts';

/** One line of a list: a picture, and its mask or null. */
interface Entry {
  readonly where: string;
  readonly image: string;
  readonly mask: string | null;
}

export interface ListOptions {
  /** What the paths are relative to; the list's own folder without. */
  readonly root?: string;
}

/**
 * The samples of a list. A text file has a line for each picture: the picture, then its mask or `None`; further columns
 * (a JPEG copy, a label) are ignored, and a picture alone is authentic. Columns have commas between them, or tabs, or
 * else spaces. A JSON file holds `[[picture, mask or "Negative"], …]`.
 *
 * @throws {DataError} when the file is missing, empty, or not of this form.
 */
export async function readList(path: string, { root = dirname(path) }: ListOptions = {}): Promise<Listing> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new DataError(path, 'no such file', { cause: error });
  });
  const entries = path.endsWith('.json') ? parseJson(text, path) : parseLines(text);
  if (entries.length === 0) throw new DataError(path, 'lists no pictures; write a line "picture,mask" for each');

  const problems: Problem[] = [];
  const usable = entries.filter(({ where, image, mask }) => {
    const missing = (['image', 'mask'] as const).find(kind => {
      const file = kind === 'image' ? image : mask;
      return file !== null && !existsSync(resolve(root, file));
    });
    if (missing)
      problems.push({
        kind: `missing-${missing}`,
        path: image,
        text: `${where}: no such file ${missing === 'image' ? image : mask} in ${root}`,
      });
    return missing === undefined;
  });
  const set = parse(path).name;
  const groups = connectedGroups(usable.map(({ image }) => sourceNames(set, basename(image))));
  const samples = usable.map(({ image, mask }, i): Sample => ({
    id: image,
    set,
    split: null,
    image: resolve(root, image),
    mask: mask === null ? null : resolve(root, mask),
    label: mask === null ? 0 : 1,
    group: groups[i]!,
  }));
  return { path, samples, problems };
}

function parseLines(text: string): Entry[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const separator = [',', '\t'].find(each => line.includes(each)) ?? /\s+/;
    const [image, mask] = line
      .trim()
      .split(separator)
      .map(cell => cell.trim());
    if (!image) return [];
    return [{ where: `line ${i + 1}`, image, mask: !mask || /^(none|negative|0)$/i.test(mask) ? null : mask }];
  });
}

function parseJson(text: string, path: string): Entry[] {
  let pairs: unknown;
  try {
    pairs = JSON.parse(text);
  } catch (error) {
    throw new DataError(path, `not JSON (${(error as Error).message})`, { cause: error });
  }
  const expected = 'must be [[picture, mask or "Negative"], …]';
  if (!Array.isArray(pairs)) throw new DataError(path, `holds ${typeof pairs}; it ${expected}`);
  return pairs.map((pair: unknown, i) => {
    const [image, mask] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof image !== 'string' || typeof mask !== 'string')
      throw new DataError(path, `entry ${i + 1} is ${JSON.stringify(pair)}; the file ${expected}`);
    return { where: `entry ${i + 1}`, image, mask: mask === 'Negative' ? null : mask };
  });
}
