import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeJpeg, encodePng } from '@forgelens/imaging';
import { crop, filledImage } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import type { Evidence, Finding } from './evidence.ts';
import { evidenceKinds, examine } from './examine.ts';
import { codecTools } from './tools.ts';
import { pictureOf, subjectOf, texture, withExif } from './testing.ts';
import { asStored, turnUpright } from './upright.ts';

const examineBytes = async (bytes: Uint8Array) => examine(await pictureOf(bytes), codecTools);

function checkShape(all: readonly Evidence[]): void {
  expect(all.map(({ id }) => id)).toEqual(evidenceKinds.map(({ id }) => id));
  for (const { title, whatItShows, lookFor, ignore, source, summary, map, table, warnings } of all) {
    for (const words of [whatItShows, lookFor, ignore, summary, ...warnings]) expect(words).toMatch(/\.$/);
    expect(title.length * source.text.length).toBeGreaterThan(0);
    expect(source.url).toMatch(/^https:\/\//);
    if (map) {
      expect(map.values).toHaveLength(map.width * map.height);
      expect(map.values.every(value => value >= 0 && value <= 1)).toBe(true);
    }
    for (const row of table?.rows ?? []) expect(row).toHaveLength(table!.columns.length);
  }
}

test.each([
  ['1×1', 1, 1],
  ['a line', 1, 300],
  ['less than a window', 15, 17],
  ['one pixel more than blocks', 65, 49],
])('a picture of %s gives every kind an answer', async (_, width, height) => {
  const image = texture(width, height, 1);
  checkShape(await examineBytes(await encodePng(image)));
  checkShape(await examineBytes(await encodeJpeg(image, { quality: 80 })));
});

test('every kind reports its turn, and `only` chooses', async () => {
  const told: string[] = [];
  const picture = await pictureOf(await encodePng(filledImage(8, 8)));
  const evidence = await examine(picture, codecTools, {
    only: ['jpeg-tables', 'error-level'],
    onProgress: (title, done, all) => told.push(`${title} ${done}/${all}`),
  });
  expect(evidence.map(({ id }) => id)).toEqual(['error-level', 'jpeg-tables']);
  expect(told).toEqual(['Error-level analysis 0/2', 'JPEG tables and estimated quality 1/2']);
});

test('a picture that is too wide for a JPEG is not saved as one, and gives every other kind an answer', async () => {
  const evidence = await examineBytes(await encodePng(filledImage(65_501, 48)));
  checkShape(evidence);
  expect(evidence.filter(({ summary }) => summary.includes('JPEG has no more')).map(({ id }) => id)).toEqual([
    'error-level',
    'jpeg-ghosts',
  ]);
  expect(evidence[0]!.summary).toBe('The picture is 65501 px wide; JPEG has no more than 65500 px.');
});

test('pixels are examined as stored, and what is found is turned upright, for all eight orientations', async () => {
  const stored = texture(24, 16, 2);
  const file = await encodeJpeg(stored, { quality: 95 });
  const plain = (await pictureOf(file)).image;
  for (let orientation = 1; orientation <= 8; orientation++) {
    const upright = (await pictureOf(withExif(file, { orientation }))).image;
    expect(upright.source.orientation).toBe(orientation);
    expect(asStored(upright, orientation)).toMatchObject({ width: 24, height: 16, data: plain.data });

    const values = new Float32Array(24 * 16).fill(0);
    values[5 * 24 + 20] = 1;
    const box = { left: 20, top: 5, width: 1, height: 1 };
    const point = { x: 20, y: 5 };
    const finding: Finding = {
      outcome: 'shown',
      summary: '',
      map: { width: 24, height: 16, values, zero: '', one: '' },
      boxes: [box],
      pairs: [
        { a: box, b: box, matches: [[point, point]], similarity: 1, area: 1, rotation: 30, scale: 1, mirrored: false },
      ],
    };
    const turned = turnUpright(finding, 24, 16, orientation);
    const [{ left, top }] = turned.boxes! as [typeof box];
    expect(turned.map!.values[top * turned.map!.width + left]).toBe(1);
    expect([turned.map!.width, turned.map!.height]).toEqual([upright.width, upright.height]);
    expect(turned.pairs![0]!.matches[0]![0]).toEqual({ x: left, y: top });
    expect(turned.pairs![0]!.rotation).toBe([2, 4, 5, 7].includes(orientation) ? -30 : 30);
  }
});

const examples = join(import.meta.dirname, '../../../examples/authentic');

test.each(['brushes', 'dragonfly', 'stream', 'wine'])('the untouched photograph %s is quiet', async name => {
  const bytes = new Uint8Array(readFileSync(join(examples, `${name}.jpg`)));
  const { image } = await pictureOf(bytes);
  // A part, on the grid of the whole: the test has to be quick. `docs/evidence.md` has the whole ones.
  const part = crop(image, 240, 320, 256, 192);
  for (const kind of evidenceKinds) {
    const { outcome, summary } = await kind.find(subjectOf(part, bytes, 'jpeg'));
    expect([kind.id, outcome, outcome === 'notable' ? summary : '']).toEqual([kind.id, outcome, '']);
  }
});
