import { encodeJpeg } from '@forgelens/imaging';
import { filledImage } from '@forgelens/imaging/pixels';
import { expect, test } from 'vitest';
import { parseJpeg } from './jpeg-file.ts';
import { estimateQuality, jpegTables, savedQuality, standardTable } from './jpeg-tables.ts';
import { subjectOf, texture } from './testing.ts';

const image = texture(40, 24, 1);

test.each([1, 25, 49, 50, 60, 75, 90, 95, 100])('a file saved at quality %d is read as that', async quality => {
  const jpeg = parseJpeg(await encodeJpeg(image, { quality }))!;
  expect(savedQuality(jpeg)).toBe(quality);
  expect(jpeg.warnings).toEqual([]);
  expect(jpeg.trailingBytes).toBe(0);
});

test('tables that are not the standard’s are given the nearest quality, and told', () => {
  const other = standardTable('luminance', 80).map((value, i) => value + (i % 3));
  expect(estimateQuality(other, 'luminance').exact).toBe(false);
  expect(Math.abs(estimateQuality(other, 'luminance').quality - 80)).toBeLessThanOrEqual(8);
});

test('the table of facts tells process, subsampling, quality and divisors', async () => {
  const bytes = await encodeJpeg(image, { quality: 60, chromaSubsampling: '4:4:4' });
  const { outcome, summary, table } = await jpegTables.find(subjectOf(image, bytes, 'jpeg'));
  expect([outcome, summary]).toEqual(['shown', 'Saved with the standard’s tables at quality 60 of 100.']);
  const facts = new Map(table!.rows as [string, string][]);
  expect(facts.get('Size as stored')).toBe('40×24 px');
  expect(facts.get('Chroma subsampling')).toBe('4:4:4');
  expect(facts.get('Process')).toMatch(/^baseline, 8 bits a sample, 1 scan$/);
  expect(facts.get('Table 0 (luminance), quality')).toBe('60, the standard’s table');
  expect(facts.get('Table 1 (chrominance), quality')).toBe('60, the standard’s table');
  expect(facts.get('Table 0 (luminance), divisors')).toMatch(/^13 9 8 13 19 32 41 49 \/ /);
});

test('bytes behind the picture are counted', async () => {
  const bytes = await encodeJpeg(image, { quality: 60 });
  expect(parseJpeg(Uint8Array.from([...bytes, 1, 2, 3]))!.trailingBytes).toBe(3);
});

test('what is broken is said, and the rest is read', async () => {
  const bytes = await encodeJpeg(image, { quality: 60 });
  expect(parseJpeg(bytes.subarray(0, bytes.length - 20))!.warnings).toEqual([
    'The JPEG ends without an end-of-image marker: it was cut off.',
  ]);
  const long = Uint8Array.from(bytes);
  long.set([0xff, 0xf0], 4); // the first segment now says 65520 bytes
  expect(parseJpeg(long)!.warnings).toEqual([
    `The JPEG segment at byte 2 says 65520 bytes, but ${bytes.length - 4} are left.`,
  ]);
  expect(parseJpeg(Uint8Array.from([0xff, 0xd8, 1, 2, 0xff, 0xd9]))!.warnings).toEqual([
    'Byte 2 should begin a JPEG marker and does not.',
  ]);
  expect(parseJpeg(Uint8Array.from([0xff, 0xd8, 0xff, 0xdb, 0, 4, 9, 9, 0xff, 0xd9]))!.warnings).toEqual([
    'The quantization tables at byte 2 are broken.',
  ]);
  expect(parseJpeg(Uint8Array.from([0xff, 0xd8, 0xff, 0xc0, 0, 4, 9, 9, 0xff, 0xd9]))!.warnings).toEqual([
    'The JPEG frame header at byte 2 is broken.',
  ]);
});

test('what is not a JPEG, or has no tables, is not applicable in one sentence', async () => {
  expect(parseJpeg(new Uint8Array())).toBeNull();
  const png = await jpegTables.find(subjectOf(filledImage(1, 1), Uint8Array.from([0x89, 0x50]), 'png'));
  expect(png).toMatchObject({
    outcome: 'notApplicable',
    summary: 'The file is PNG, not JPEG, and has no JPEG tables.',
  });
  const empty = await jpegTables.find(subjectOf(filledImage(1, 1), Uint8Array.from([0xff, 0xd8, 0xff, 0xd9]), 'jpeg'));
  expect(empty.summary).toBe('The JPEG has no readable frame header and quantization tables.');
});
