import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { DataError } from '@forgelens/autograd';
import { parse } from 'csv-parse/sync';

import { connectedGroups } from '../groups.ts';
import type { DataSet } from './layout.ts';
import { listFiles, type Listing, type Problem } from './listing.ts';

const reference = 'reference/manipulation/NC2016-manipulation-ref.csv';

const columns = ['ProbeFileName', 'ProbeMaskFileName', 'BaseFileName', 'IsTarget'] as const;
type Row = Record<(typeof columns)[number], string>;

/**
 * NIST Nimble Challenge 2016 (https://mfc.nist.gov/). Names say nothing: a table with `|` between its columns pairs
 * probes, masks and the photographs that were manipulated. Masks are black where the picture is tampered.
 */
export const nist16: DataSet = {
  title: 'NIST16',
  source: 'https://mfc.nist.gov/',
  expects: reference,
  maskRule: { channel: 'mean', threshold: 180, tampered: 'below' },
  defects: [
    { what: 'the same base photograph occurs in many probes: published train and test lists share scenes' },
    { what: 'papers use 160, 564 or other counts of its 564 tampered probes; compare only equal manifests' },
    { what: 'a few masks are missing or have another size than their probe' },
  ],
  sourcesOf: path => [`nist16:${path}`],
  read: readNist16,
};

async function readNist16(folder: string): Promise<Listing> {
  const files = await listFiles(folder);
  const table = files.find(file => file.endsWith(reference));
  if (table === undefined) throw new DataError(folder, `no table of NIST16; looked for ${reference}`);
  const prefix = table.slice(0, -reference.length);
  const rows = parse<Row>(await readFile(join(folder, table)), { columns: true, delimiter: '|', trim: true });
  const missing = columns.filter(column => !(column in (rows[0] ?? {})));
  if (missing.length > 0)
    throw new DataError(
      join(folder, table),
      `no column ${missing.join(', ')}; columns are ${Object.keys(rows[0] ?? {}).join(', ') || 'missing: the table is empty'}`,
    );

  const root = resolve(folder, prefix);
  const problems: Problem[] = [];
  const exists = (row: Row, kind: 'missing-image' | 'missing-mask', file: string): boolean => {
    const there = file !== '' && existsSync(join(root, file));
    if (!there) problems.push({ kind, path: row.ProbeFileName, text: `no ${file || 'mask'} for ${row.ProbeFileName}` });
    return there;
  };
  const usable = rows.filter(
    row =>
      exists(row, 'missing-image', row.ProbeFileName) &&
      (row.IsTarget !== 'Y' || exists(row, 'missing-mask', row.ProbeMaskFileName)),
  );
  const groups = connectedGroups(
    usable.map(({ ProbeFileName: probe, BaseFileName: base }) => [`nist16:${base || probe}`, `nist16:${probe}`]),
  );
  return {
    path: folder,
    problems,
    samples: usable.map(({ ProbeFileName: probe, ProbeMaskFileName: mask, IsTarget }, i) => ({
      id: prefix + probe,
      set: 'nist16',
      split: null,
      image: join(root, probe),
      ...(IsTarget === 'Y'
        ? { mask: join(root, mask), maskRule: nist16.maskRule!, label: 1 }
        : { mask: null, label: 0 }),
      group: groups[i]!,
    })),
  };
}
