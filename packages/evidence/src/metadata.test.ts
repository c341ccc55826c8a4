import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@forgelens/autograd';
import { encodeJpeg } from '@forgelens/imaging';
import { filledImage, padReflect, resizeImage } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { contentCredentials } from './content-credentials.ts';
import { jpegTables } from './jpeg-tables.ts';
import { metadata } from './metadata.ts';
import { codecTools } from './tools.ts';
import { paste, subjectOf, texture, withExif } from './testing.ts';
import { thumbnail } from './thumbnail.ts';

const photo = texture(320, 240, 1);
const file = await encodeJpeg(photo, { quality: 80 });
const thumbnailOf = (image = photo) => encodeJpeg(resizeImage(image, 160, 120), { quality: 80 });
const signed = new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures/signed.jpg')));
const find = (kind: typeof metadata, bytes: Uint8Array, image = photo) => kind.find(subjectOf(image, bytes, 'jpeg'));

test('a program that edits pictures, and a change after the taking, are told', async () => {
  const bytes = withExif(file, {
    software: 'Adobe Photoshop 25.0',
    changed: '2026:03:02 10:00:00',
    taken: '2026:03:01 09:00:00',
  });
  const { outcome, summary, table } = await find(metadata, bytes);
  expect(outcome).toBe('notable');
  expect(summary).toContain('A program that edits or makes pictures is named: Adobe Photoshop 25.0.');
  expect(summary).toContain('It was changed at 2026:03:02 10:00:00, after it was taken at 2026:03:01 09:00:00.');
  expect(table!.rows).toContainEqual(['exif', 'Software', 'Adobe Photoshop 25.0']);
});

test('a camera’s own metadata are shown, and control characters do not pass', async () => {
  const bytes = withExif(file, { software: 'Firmware\u001b[31m 1.2', taken: '2026:03:01 09:00:00' });
  const { outcome, summary, table } = await find(metadata, bytes);
  expect(outcome).toBe('shown');
  expect(summary).toMatch(/^\d+ entries, no camera named\.$/);
  expect(table!.rows.flat().join('')).not.toContain('\u001b');
});

test('a file without metadata has none, and broken ones are a warning or none, never a crash', async () => {
  expect(await find(metadata, file)).toMatchObject({
    outcome: 'notApplicable',
    summary: 'The file has no EXIF, XMP or IPTC metadata that can be read.',
  });
  const whole = withExif(file, {
    software: 'A camera 1.0',
    taken: '2026:03:01 09:00:00',
    thumbnail: await thumbnailOf(),
  });
  const random = new Random(1);
  for (let i = 0; i < 60; i++) {
    const source = i % 2 ? whole : signed;
    const bytes = Uint8Array.from(i % 5 === 0 ? source.subarray(0, random.integer(2, source.length)) : source);
    for (let k = 0; k < 8; k++) bytes[random.integer(2, Math.min(bytes.length, 3000))] = random.integer(0, 256);
    for (const kind of [metadata, thumbnail, contentCredentials, jpegTables])
      expect((await find(kind, bytes)).summary).toMatch(/\.$/);
  }
});

test('a thumbnail of the picture is quiet', async () => {
  const { outcome, summary } = await find(thumbnail, withExif(file, { thumbnail: await thumbnailOf() }));
  expect(outcome).toBe('quiet');
  expect(summary).toMatch(/^The thumbnail of 160×120 px shows the same as the picture \(correlation 0\.9\d\)\.$/);
});

test('a thumbnail with black bars above and below is compared without them', async () => {
  const wide = resizeImage(photo, 320, 180);
  const bars = filledImage(160, 120);
  const encoded = await encodeJpeg(paste(bars, resizeImage(wide, 160, 90), 0, 15), { quality: 80 });
  expect((await find(thumbnail, withExif(file, { thumbnail: encoded }), wide)).outcome).toBe('quiet');
});

test('a thumbnail of another picture is told', async () => {
  const other = await thumbnailOf(texture(320, 240, 2));
  const { outcome, summary } = await find(thumbnail, withExif(file, { thumbnail: other }));
  expect(outcome).toBe('notable');
  expect(summary).toMatch(/^The thumbnail of 160×120 px shows another picture \(correlation -?0\.\d\d\)\.$/);
});

test('what was put in after the thumbnail was made is told, and where', async () => {
  const bytes = withExif(file, { thumbnail: await thumbnailOf() });
  const forged = paste(photo, filledImage(64, 48, [250, 250, 250]), 160, 96);
  const { outcome, summary, boxes, map } = await find(thumbnail, bytes, forged);
  expect(outcome).toBe('notable');
  expect(summary).toContain('differs from the picture in 1 place ');
  const [{ left, top, width, height }] = boxes! as [(typeof boxes & object)[number]];
  for (const [found, planted] of [
    [left, 160],
    [top, 96],
    [left + width, 224],
    [top + height, 144],
  ] as const)
    expect(Math.abs(found - planted)).toBeLessThanOrEqual(8);
  expect(map!.values[60 * 160 + 96]).toBeGreaterThan(0.9);
});

test('a broken thumbnail is said to be broken', async () => {
  const { outcome, summary, warnings } = await find(
    thumbnail,
    withExif(file, { thumbnail: (await thumbnailOf()).subarray(0, 90) }),
  );
  expect([outcome, summary]).toEqual(['notApplicable', 'The thumbnail in the file is broken.']);
  expect(warnings![0]).toMatch(/^test\.jpg \(thumbnail\): not a readable image/);
});

test('credentials are read where the optional reader is installed', async () => {
  const { outcome, summary, table } = await find(contentCredentials, signed);
  expect([outcome, summary]).toEqual([
    'shown',
    `The file carries content credentials of ${summary.match(/\d+/)![0]} bytes; signature and hashes fit the file.`,
  ]);
  const facts = new Map(table!.rows as [string, string][]);
  expect(facts.get('Signed by')).toBe('CN=forgelens test, O=nobody');
  expect(table!.rows.filter(([what]) => what === 'Done').map(([, value]) => value)).toEqual([
    'c2pa.created',
    'c2pa.edited',
  ]);
});

test('a picture that was changed after it was signed is told', async () => {
  const changed = Uint8Array.from(signed);
  changed[changed.length - 100]! ^= 1;
  const { outcome, summary } = await find(contentCredentials, changed);
  expect(outcome).toBe('notable');
  expect(summary).toMatch(/which do not hold: assertion\.dataHash\.mismatch\.$/);
});

test('without the reader it is said that there are credentials, and how to read them', async () => {
  const tools = { ...codecTools, loadCredentialsReader: () => Promise.resolve(null) };
  const { summary } = await contentCredentials.find({ ...subjectOf(photo, signed, 'jpeg'), tools });
  expect(summary).toMatch(
    /^The file carries content credentials of \d+ bytes; to read them, install the optional package @trustnxt\/c2pa-ts\.$/,
  );
  expect((await find(contentCredentials, file)).summary).toBe('The file carries no content credentials.');
});

test('a larger canvas than the thumbnail’s does not break the comparison', async () => {
  const bytes = withExif(file, { thumbnail: await thumbnailOf() });
  expect((await find(thumbnail, bytes, padReflect(photo, { right: 900 }))).summary).toMatch(/\.$/);
});
