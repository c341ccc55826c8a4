import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, parse, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';

import { connectedGroups, sourceNames } from './groups.ts';
import { readIndex, type IndexFilter } from './read-index.ts';
import type { Sample } from './sample.ts';

const isPicture = (name: string): boolean => /\.(jpe?g|png|tiff?|webp|gif|avif)$/i.test(name);

/** Folder of tampered pictures, and the folder of their masks beside it. */
const layouts = [
  ['image', 'mask'],
  ['images', 'masks'],
  ['Tp', 'Gt'],
] as const;

/** What a mask's name may add to its picture's. */
const maskSuffixes = ['', '_gt', '_mask'];

/**
 * The samples of a folder, in one of two layouts:
 * - tampered pictures in `image/` (`images/`, `Tp/`) with their masks in `mask/` (`masks/`, `Gt/`), and authentic ones,
 *   if any, in `Au/`. A picture's mask has its name, or its name and `_gt` or `_mask`; the file types may differ.
 * - a plain folder of pictures. No truth is known of them: label 0, no mask.
 *
 * @throws {DataError} when the folder has no pictures, or when a picture has no mask.
 */
export async function readFolder(folder: string): Promise<Sample[]> {
  const root = resolve(folder);
  const layout = layouts.find(([images]) => existsSync(join(root, images)));
  const files = layout ? await readPairs(root, layout) : await listPictures(root, '');
  if (files.length === 0)
    throw new DataError(
      folder,
      'no pictures; looked for image/ and mask/, Tp/ and Gt/, and pictures in the folder itself',
    );
  const set = basename(root);
  const groups = connectedGroups(files.map(({ id }) => sourceNames(set, basename(id))));
  return files.map(({ id, mask }, i) => ({
    id,
    set,
    split: null,
    image: join(root, id),
    mask: mask === null ? null : join(root, mask),
    label: mask === null ? 0 : 1,
    group: groups[i]!,
  }));
}

/**
 * The samples at a path: an index (`.csv`), a folder with an `index.csv`, or a folder as `readFolder` takes it. The
 * filter is for an index.
 *
 * @throws {DataError} when there is nothing at the path, and as `readIndex` and `readFolder`.
 */
export async function readDataset(path: string, filter: IndexFilter = {}): Promise<Sample[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new DataError(path, 'no such file or folder');
  if (!found.isDirectory()) return readIndex(path, filter);
  const index = join(path, 'index.csv');
  return existsSync(index) ? readIndex(index, filter) : readFolder(path);
}

interface Pair {
  /** Paths relative to the folder. */
  readonly id: string;
  readonly mask: string | null;
}

async function readPairs(root: string, [images, masks]: readonly [string, string]): Promise<Pair[]> {
  const byStem = new Map((await listPictures(root, masks)).map(({ id }) => [parse(id).name, id]));
  const pairs = (await listPictures(root, images)).map(({ id }) => {
    const { name } = parse(id);
    const mask = maskSuffixes.map(suffix => byStem.get(name + suffix)).find(found => found !== undefined);
    if (mask === undefined)
      throw new DataError(
        root,
        `no mask for ${id}; looked for ${maskSuffixes.map(suffix => `${masks}/${name}${suffix}.*`).join(', ')}`,
      );
    return { id, mask };
  });
  return [...pairs, ...(await listPictures(root, 'Au'))];
}

async function listPictures(root: string, folder: string): Promise<Pair[]> {
  const names = existsSync(join(root, folder)) ? await readdir(join(root, folder)) : [];
  return names
    .filter(isPicture)
    .toSorted()
    .map(name => ({ id: folder === '' ? name : `${folder}/${name}`, mask: null }));
}
