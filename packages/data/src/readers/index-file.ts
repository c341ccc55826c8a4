import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, posix, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';
import { parse } from 'csv-parse/sync';

import { connectedGroups, sourceNames } from '../groups.ts';
import type { Material, Sample } from '../sample.ts';
import { isPicture, type Listing, type Problem } from './listing.ts';

/** Which samples to take; all without. */
export interface Filter {
  readonly split?: string;
  readonly sets?: readonly string[];
}

/** Whether a filter lets a sample pass. */
export const passes = ({ split, sets }: Filter, sample: { readonly split: string | null; readonly set: string }) =>
  (!split || sample.split === split) && (!sets || sets.includes(sample.set));

const columns = ['split', 'set', 'image', 'mask', 'kind'] as const;
type Cells = Record<(typeof columns)[number], string> &
  Partial<Record<'authentic' | 'extra' | 'width' | 'height', string>>;
type Row = Cells & { readonly line: number; readonly group: string };

/** Photographs with object masks: not samples, but what forgeries are made of. */
const isMaterial = (row: Row): boolean => /^natural|^object mask/.test(row.kind);

/**
 * The samples of an index: a CSV file with the columns split, set, image, mask and kind, and others as you like. Paths
 * are relative to the file's folder; a mask is empty exactly where kind is `authentic`. Rows of kind `natural…` and
 * `object mask` are material for synthesis and left out: see `readMaterial`. The columns `authentic` (the untampered
 * base's file name) and `extra` (`group…`) help to tell which samples have common sources.
 *
 * @throws {DataError} when the file is missing, is no CSV table, or lacks a column.
 */
export async function readIndex(path: string, filter: Filter = {}): Promise<Listing> {
  const problems: Problem[] = [];
  const samples: Sample[] = [];
  const rows = (await readRows(path, filter)).filter(row => !isMaterial(row));
  for (const row of rows) {
    const problem = problemOf(path, row);
    if (problem) problems.push({ path: row.image, ...problem, text: `line ${row.line}: ${problem.text}` });
    else {
      const mask = row.mask === '' ? null : absolute(path, row.mask);
      samples.push({ ...commonFields(path, row), mask, label: mask === null ? 0 : 1 });
    }
  }
  return { path, samples, problems: [...problems, ...(await extraMasks(path, rows))] };
}

/**
 * Pictures that lie among the masks of some rows and that no row of the whole index names. Where pictures and masks lie
 * in one folder, none can be told from a picture that was left out.
 */
async function extraMasks(path: string, rows: readonly Row[]): Promise<Problem[]> {
  const all = await readRows(path, {});
  const named = new Set(all.flatMap(({ image, mask, extra = '' }) => [image, mask, extra]));
  const folders = new Set(rows.filter(({ mask }) => mask !== '').map(({ mask }) => posix.dirname(mask)));
  for (const { image } of all) folders.delete(posix.dirname(image));
  const extra: Problem[] = [];
  for (const folder of [...folders].sort())
    for (const name of (await readdir(absolute(path, folder)).catch(() => [])).filter(isPicture).toSorted()) {
      const file = posix.join(folder, name);
      if (!named.has(file)) extra.push({ kind: 'extra-mask', path: file, text: `no row names the mask ${file}` });
    }
  return extra;
}

function problemOf(path: string, { kind, image, mask }: Row): Omit<Problem, 'path'> | null {
  const authentic = kind === 'authentic';
  if (authentic && mask !== '')
    return { kind: 'contradiction', text: `${image} is authentic but has the mask ${mask}; leave it empty` };
  if (!authentic && mask === '')
    return { kind: 'missing-mask', text: `no mask for ${image} of kind "${kind}"; only kind "authentic" has none` };
  if (!existsSync(absolute(path, image))) return { kind: 'missing-image', text: `no such file ${image}` };
  if (mask !== '' && !existsSync(absolute(path, mask))) return { kind: 'missing-mask', text: `no such file ${mask}` };
  return null;
}

/**
 * The photographs of an index from which forgeries can be made: rows of kind `natural…` or `object mask`. `mask` names
 * a mask of one object, or `extra` names a text of polygons (`.txt`) or a picture of segment labels. The columns width
 * and height are needed.
 *
 * @throws {DataError} as `readIndex`, and when a row names no objects, no size, or a file that is not there.
 */
export async function readMaterial(path: string, filter: Filter = {}): Promise<Material[]> {
  if (/\.(jsonl|json|txt|lst)$/i.test(path))
    throw new DataError(path, 'lists samples, but photographs and their objects are listed in an index (.csv) only');
  const rows = (await readRows(path, filter)).filter(isMaterial);
  return rows.map(row => {
    const objects = row.mask || row.extra;
    const [width, height] = [Number(row.width), Number(row.height)];
    if (!objects)
      throw new DataError(path, `line ${row.line}: ${row.image} has neither mask nor extra; name its objects`);
    if (!(width > 0 && height > 0))
      throw new DataError(
        path,
        `line ${row.line}: ${row.image} has width "${row.width ?? ''}" and height "${row.height ?? ''}"; both must be above 0`,
      );
    existing(path, row, row.image);
    return {
      ...commonFields(path, row),
      width,
      height,
      objects: {
        kind: row.mask ? 'mask' : objects.endsWith('.txt') ? 'polygons' : 'segments',
        path: existing(path, row, objects),
      },
    };
  });
}

async function readRows(path: string, filter: Filter): Promise<Row[]> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw new DataError(path, 'no such file', { cause: error });
  });
  let table: { record: Cells; info: { lines: number } }[];
  try {
    table = parse(text, { columns: true, info: true, trim: true, bom: true, skip_empty_lines: true });
  } catch (error) {
    throw new DataError(path, `not a CSV table (${(error as Error).message})`, { cause: error });
  }
  const header = Object.keys(table[0]?.record ?? {});
  const missing = columns.filter(column => !header.includes(column));
  if (missing.length > 0)
    throw new DataError(
      path,
      `no column ${missing.join(', ')}; columns are ${header.join(', ') || 'missing: the table is empty'}`,
    );

  // Groups are connected before rows are left out, so that they do not depend on the filter.
  const groups = connectedGroups(table.map(({ record }) => rowSources(record)));
  const rows = table.map(({ record, info }, i) => ({ ...record, line: info.lines, group: groups[i]! }));
  return rows.filter(row => passes(filter, row));
}

function rowSources({ set, image, authentic, extra }: Cells): string[] {
  return [
    ...sourceNames(set, basename(image)),
    ...(authentic ? sourceNames(set, authentic) : []),
    ...(extra?.startsWith('group') ? [`${set}:${extra}`] : []),
  ];
}

const commonFields = (path: string, row: Row) => ({
  id: row.image,
  set: row.set,
  split: row.split || null,
  image: absolute(path, row.image),
  group: row.group,
});

const absolute = (path: string, file: string): string => resolve(dirname(path), file);

function existing(path: string, row: Row, file: string): string {
  if (!existsSync(absolute(path, file))) throw new DataError(path, `line ${row.line}: no such file ${file}`);
  return absolute(path, file);
}
