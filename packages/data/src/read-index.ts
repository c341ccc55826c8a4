import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';
import { parse } from 'csv-parse/sync';

import { connectedGroups, sourceNames } from './groups.ts';
import type { Material, Sample } from './sample.ts';

/** Which rows of an index to take; all without. */
export interface IndexFilter {
  readonly split?: string;
  readonly sets?: readonly string[];
}

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
 * @throws {DataError} when a column, a picture or a mask is missing, with the row's line number.
 */
export async function readIndex(path: string, filter: IndexFilter = {}): Promise<Sample[]> {
  const rows = (await readRows(path, filter)).filter(row => !isMaterial(row));
  return rows.map(row => {
    const label = row.kind === 'authentic' ? 0 : 1;
    if (label === 0 && row.mask !== '')
      throw new DataError(
        path,
        `line ${row.line}: ${row.image} is authentic but has the mask ${row.mask}; leave it empty`,
      );
    if (label === 1 && row.mask === '')
      throw new DataError(
        path,
        `line ${row.line}: no mask for ${row.image} of kind "${row.kind}"; only kind "authentic" has none`,
      );
    return {
      ...commonFields(path, row),
      mask: label === 1 ? existing(path, row, row.mask) : null,
      label,
    };
  });
}

/**
 * The photographs of an index from which forgeries can be made: rows of kind `natural…` or `object mask`. `mask` names
 * a mask of one object, or `extra` names a text of polygons (`.txt`) or a picture of segment labels. The columns width
 * and height are needed.
 *
 * @throws {DataError} as `readIndex`.
 */
export async function readMaterial(path: string, filter: IndexFilter = {}): Promise<Material[]> {
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

async function readRows(path: string, { split, sets }: IndexFilter): Promise<Row[]> {
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
  return rows.filter(row => (!split || row.split === split) && (!sets || sets.includes(row.set)));
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
  image: existing(path, row, row.image),
  group: row.group,
});

function existing(path: string, row: Row, file: string): string {
  const absolute = resolve(dirname(path), file);
  if (!existsSync(absolute)) throw new DataError(path, `line ${row.line}: no such file ${file}`);
  return absolute;
}
