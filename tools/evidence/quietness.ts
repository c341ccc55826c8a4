/**
 * How quiet the evidence is: `npx tsx tools/evidence/quietness.ts <folder> …` examines every JPEG and PNG in the folders,
 * which should be untouched photographs, and prints for each kind how many are notable and how much of a map is above ½.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { examine, type Evidence } from '@forgelens/evidence';
import { codecTools } from '@forgelens/evidence/tools';
import { decodeImage } from '@forgelens/imaging';

const above = ({ map }: Evidence) =>
  map === undefined ? 0 : map.values.reduce((sum, value) => sum + (value > 0.5 ? 1 : 0), 0) / map.values.length;

const rows = new Map<string, { pictures: number; notable: number; meanAboveHalf: number }>();
for (const folder of process.argv.slice(2))
  for (const name of readdirSync(folder).filter(name => /\.(jpe?g|png)$/i.test(name))) {
    const path = join(folder, name);
    const bytes = new Uint8Array(readFileSync(path));
    const picture = { path, bytes, image: await decodeImage(bytes, path) };
    for (const evidence of await examine(picture, codecTools)) {
      const { id, outcome, summary } = evidence;
      if (outcome === 'notApplicable') continue;
      if (outcome === 'notable') console.log(`${path}  ${id}: ${summary}`);
      const row = rows.get(id) ?? { pictures: 0, notable: 0, meanAboveHalf: 0 };
      row.pictures++;
      if (outcome === 'notable') row.notable++;
      row.meanAboveHalf += (above(evidence) - row.meanAboveHalf) / row.pictures;
      rows.set(id, row);
    }
  }
console.table(Object.fromEntries(rows));
