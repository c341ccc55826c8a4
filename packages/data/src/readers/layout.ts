import { basename, join, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';

import { groupBy } from '../group-by.ts';
import { connectedGroups } from '../groups.ts';
import type { Sample } from '../sample.ts';
import type { MaskRule } from '../truth.ts';
import { listFiles, type Listing, type Problem } from './listing.ts';

/** A published data set: what is known of it, and how it is read. */
export interface DataSet {
  readonly title: string;
  /** Where it comes from. */
  readonly source: string;
  /** What its files are called, for people. */
  readonly expects: string;
  readonly maskRule?: MaskRule;
  /** What is published to be wrong with it. */
  readonly defects: readonly Defect[];
  /** The source pictures of one of its pictures, by its path. */
  readonly sourcesOf: (path: string) => readonly string[];
  /** @throws {DataError} when the folder has no picture of it. */
  read(folder: string): Promise<Listing>;
}

/** Something that is published to be wrong with a data set. */
export interface Defect {
  /** The pictures or masks that it is about, by file name; all without. */
  readonly files?: RegExp;
  readonly what: string;
}

/**
 * A data set whose file names say everything. A file is a mask, a tampered or an authentic picture by the first
 * expression that its path within the folder matches; a picture's mask is the one whose named groups have the same
 * values. Two groups have a meaning of their own and take no part in that: `set` is added to the name of the set, and
 * `split` is the split.
 */
export interface Layout extends Omit<DataSet, 'read' | 'sourcesOf'> {
  readonly masks: RegExp;
  readonly tampered: RegExp;
  readonly authentic?: RegExp;
  /** Whether a picture can have several masks, which are added up. */
  readonly severalMasks?: boolean;
  /** A looser form of the groups' values, for pictures and masks that are left over when all others are paired. */
  readonly alike?: (key: string) => string;
  /** The source pictures of a picture; the groups' values without. */
  readonly sources?: (key: string, path: string) => readonly string[];
  /** Pictures that are no samples, by file name. */
  readonly leftOut?: RegExp;
}

type Groups = Readonly<Record<string, string | undefined>>;

/** The values of the groups by which pictures are paired with masks. */
const keyOf = (groups: Groups): string =>
  Object.entries(groups)
    .filter(([name, value]) => name !== 'set' && name !== 'split' && value !== undefined)
    .map(([, value]) => value)
    .join('/');

interface Found {
  readonly path: string;
  readonly key: string;
  readonly groups: Groups;
}

/** The data set that a layout describes. */
export function dataSet(name: string, layout: Layout): DataSet {
  const sourcesOf = (path: string): readonly string[] => {
    const groups = layout.authentic?.exec(path)?.groups ?? layout.tampered.exec(path)?.groups;
    const key = groups ? keyOf(groups) : path;
    return (layout.sources?.(key, path) ?? [key]).map(source => `${name}:${source}`);
  };
  return { ...layout, sourcesOf, read: folder => readLayout(folder, name, layout, sourcesOf) };
}

async function readLayout(
  folder: string,
  name: string,
  layout: Layout,
  sourcesOf: DataSet['sourcesOf'],
): Promise<Listing> {
  const { masks: masksLike, tampered: tamperedLike, authentic: authenticLike, maskRule } = layout;
  const found: Record<'mask' | 'tampered' | 'authentic', Found[]> = { mask: [], tampered: [], authentic: [] };
  for (const path of await listFiles(folder)) {
    if (layout.leftOut?.test(basename(path))) continue;
    const match = (kind: keyof typeof found, expression: RegExp | undefined): boolean => {
      const groups = expression?.exec(path)?.groups;
      if (groups) found[kind].push({ path, key: keyOf(groups), groups });
      return groups !== undefined;
    };
    void (match('mask', masksLike) || match('authentic', authenticLike) || match('tampered', tamperedLike));
  }
  if (found.tampered.length + found.authentic.length === 0)
    throw new DataError(folder, `no picture of ${layout.title}; looked for ${layout.expects}`);

  const { paired, problems } = pairUp(found.tampered, found.mask, layout);
  const pictures = [...paired, ...found.authentic.map(picture => ({ ...picture, masks: [] }))];
  const groups = connectedGroups(pictures.map(({ path }) => sourcesOf(path)));
  const root = resolve(folder);
  const samples = pictures.map(({ path, masks, groups: { set, split } }, i): Sample => {
    const [mask = null, ...moreMasks] = masks.map(file => join(root, file));
    return {
      id: path,
      set: set ? `${name}-${set.toLowerCase()}` : name,
      split: split ?? null,
      image: join(root, path),
      mask,
      ...(moreMasks.length > 0 && { moreMasks }),
      ...(mask !== null && maskRule && { maskRule }),
      label: mask === null ? 0 : 1,
      group: groups[i]!,
    };
  });
  return { path: folder, samples, problems };
}

/** Gives each tampered picture its masks. */
function pairUp(
  pictures: readonly Found[],
  masks: readonly Found[],
  { severalMasks = false, alike, expects }: Layout,
): { paired: (Found & { masks: string[] })[]; problems: Problem[] } {
  const byKey = groupBy(masks, ({ key }) => key);
  const used = new Set<string>();
  const take = (candidates: readonly Found[] = []): string[] => {
    const paths = candidates.slice(0, severalMasks ? undefined : 1).map(({ path }) => path);
    for (const path of paths) used.add(path);
    return paths;
  };
  const paired = pictures.map(picture => ({ ...picture, masks: take(byKey.get(picture.key)) }));
  if (alike) {
    const unused = groupBy(
      masks.filter(({ path }) => !used.has(path)),
      ({ key }) => alike(key),
    );
    for (const picture of paired.filter(each => each.masks.length === 0)) {
      const candidates = unused.get(alike(picture.key)) ?? [];
      if (candidates.length === 1) picture.masks = take(candidates);
    }
  }
  const problems = [
    ...paired
      .filter(picture => picture.masks.length === 0)
      .map(({ path }) => ({ kind: 'missing-mask', path, text: `no mask for ${path}; looked for ${expects}` }) as const),
    ...masks
      .filter(({ path }) => !used.has(path))
      .map(({ path }) => ({ kind: 'extra-mask', path, text: `no picture for the mask ${path}` }) as const),
  ];
  return { paired: paired.filter(picture => picture.masks.length > 0), problems };
}
