import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, parse, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';

import { connectedGroups, sourceNames } from '../groups.ts';
import { isPicture, type Listing, type Problem } from './listing.ts';

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
 * @throws {DataError} when the folder has no pictures.
 */
export async function readFolder(folder: string): Promise<Listing> {
  const root = resolve(folder);
  const layout = layouts.find(([images]) => existsSync(join(root, images)));
  const { pairs, problems } = layout
    ? await readPairs(root, layout)
    : { pairs: await listPictures(root, ''), problems: [] };
  if (pairs.length + problems.length === 0)
    throw new DataError(
      folder,
      'no pictures; looked for image/ and mask/, Tp/ and Gt/, and pictures in the folder itself; ' +
        'of a published data set, make a manifest first: "forgelens data manifest --help"',
    );
  const set = basename(root);
  const groups = connectedGroups(pairs.map(({ id }) => sourceNames(set, basename(id))));
  const samples = pairs.map(({ id, mask }, i) => ({
    id,
    set,
    split: null,
    image: join(root, id),
    mask: mask === null ? null : join(root, mask),
    label: mask === null ? (0 as const) : (1 as const),
    group: groups[i]!,
  }));
  return { path: folder, samples, problems };
}

interface Pair {
  /** Paths relative to the folder. */
  readonly id: string;
  readonly mask: string | null;
}

async function readPairs(
  root: string,
  [images, masks]: readonly [string, string],
): Promise<{ pairs: Pair[]; problems: Problem[] }> {
  const byStem = new Map((await listPictures(root, masks)).map(({ id }) => [parse(id).name, id]));
  const used = new Set<string>();
  const pairs: Pair[] = [];
  const problems: Problem[] = [];
  for (const { id } of await listPictures(root, images)) {
    const { name } = parse(id);
    const mask = maskSuffixes.map(suffix => byStem.get(name + suffix)).find(found => found !== undefined);
    if (mask === undefined) {
      const places = maskSuffixes.map(suffix => `${masks}/${name}${suffix}.*`).join(', ');
      problems.push({ kind: 'missing-mask', path: id, text: `no mask for ${id}; looked for ${places}` });
    } else {
      pairs.push({ id, mask });
      used.add(mask);
    }
  }
  for (const mask of byStem.values())
    if (!used.has(mask)) problems.push({ kind: 'extra-mask', path: mask, text: `no picture for the mask ${mask}` });
  return { pairs: [...pairs, ...(await listPictures(root, 'Au'))], problems };
}

async function listPictures(root: string, folder: string): Promise<Pair[]> {
  const names = existsSync(join(root, folder)) ? await readdir(join(root, folder)) : [];
  return names
    .filter(isPicture)
    .toSorted()
    .map(name => ({ id: folder === '' ? name : `${folder}/${name}`, mask: null }));
}
