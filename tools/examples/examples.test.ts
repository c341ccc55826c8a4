import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { credits } from './credits.ts';
import { Forgery, type Picture } from './pixels.ts';
import { recipes } from './recipes.ts';

const examples = join(import.meta.dirname, '../../examples');
const rows = parse<Record<string, string>>(readFileSync(join(examples, 'index.csv')), { columns: true });
const files = ['forged', 'masks', 'authentic'].flatMap(folder =>
  readdirSync(join(examples, folder)).map(file => `${folder}/${file}`),
);

describe('the examples that ship', () => {
  test('are all in the index, and the index has no others', () => {
    expect(
      rows
        .flatMap(({ image, mask }) => [image!, mask!])
        .filter(Boolean)
        .sort(),
    ).toEqual(files.sort());
  });

  test('are at least two splices, two copy-moves, two removals and four authentic photographs', () => {
    for (const [kind, least] of Object.entries({ splice: 2, copymove: 2, removal: 2, authentic: 4 }))
      expect(rows.filter(row => row['kind'] === kind).length, kind).toBeGreaterThanOrEqual(least);
  });

  test('are all credited, by the text that their recipes give', () => {
    const text = readFileSync(join(examples, 'CREDITS.md'), 'utf8');
    for (const file of files) expect(text).toContain(`\`${file}\``);
    expect(text).toBe(credits(recipes));
  });

  test('have together less than 2.5 MB', () => {
    expect(files.reduce((sum, file) => sum + statSync(join(examples, file)).size, 0)).toBeLessThan(2.5e6);
  });

  test.each(rows)('$image has the size that the index says', async ({ image, width, height }) => {
    const size = await sharp(join(examples, image!)).metadata();
    expect([size.width, size.height]).toEqual([Number(width), Number(height)]);
  });

  test.each(rows.filter(row => row['mask']))('$mask fits its picture and the index', async row => {
    const mask = sharp(join(examples, row['mask']!));
    const { width, height, channels } = await mask.metadata();
    expect([width, height, channels]).toEqual([Number(row['width']), Number(row['height']), 1]);
    const data = await mask.toColourspace('b-w').raw().toBuffer();
    expect(new Set(data)).toEqual(new Set([0, 255]));
    const fraction = data.filter(value => value === 255).length / data.length;
    expect(fraction.toFixed(5)).toBe(row['maskFraction']);
  });
});

describe('a graft', () => {
  const host: Picture = { width: 40, height: 30, data: new Float32Array(40 * 30 * 3).fill(100) };
  /** Brighter to the right by 1 a pixel, and redder by 50 than it is green. */
  const donor: Picture = {
    width: 40,
    height: 30,
    data: Float32Array.from({ length: 40 * 30 * 3 }, (_, i) => (Math.floor(i / 3) % 40) + (i % 3 === 0 ? 50 : 0)),
  };
  const square = [[10, 10], [20, 10], [20, 20], [10, 20]] as const; // prettier-ignore
  const red = ({ data, width }: Picture, x: number, y: number) => data[(y * width + x) * 3]!;

  test('changes what its mask shows and nothing else', () => {
    const forgery = new Forgery(host);
    forgery.graft({ from: donor, outline: square, feather: 0.1, anchor: [15, 15], to: [25, 12] });
    const mask = forgery.mask();
    for (let pixel = 0; pixel < mask.length; pixel++)
      expect(mask[pixel] === 255).toBe(forgery.data[pixel * 3 + 1] !== 100);
    expect(red(forgery, 25, 12)).toBe(65);
  });

  test('turns, mirrors and scales about its anchor', () => {
    const at = (options: object, x: number, y: number) => {
      const forgery = new Forgery(host);
      forgery.graft({ from: donor, outline: square, feather: 0.1, anchor: [15, 15], to: [15, 15], ...options });
      return red(forgery, x, y);
    };
    expect(at({}, 18, 15)).toBeCloseTo(68);
    expect(at({ mirrored: true }, 18, 15)).toBeCloseTo(62);
    expect(at({ scale: 2 }, 21, 15)).toBeCloseTo(68);
    // Positive degrees turn clockwise on the screen: what was to the right is then below.
    expect(at({ degrees: 90 }, 15, 18)).toBeCloseTo(68);
  });

  test('that is seamless takes on the level of its surroundings', () => {
    const flat: Picture = { ...host, data: new Float32Array(host.data.length).fill(30) };
    const forgery = new Forgery(host);
    forgery.graft({ from: flat, outline: square, feather: 1, anchor: [15, 15], to: [15, 15], seamless: true });
    expect(Math.max(...forgery.data.map(value => Math.abs(value - 100)))).toBeLessThan(0.01);
  });

  test('need not agree with what stands apart', () => {
    const split: Picture = {
      ...host,
      data: Float32Array.from({ length: 40 * 30 * 3 }, (_, i) => (Math.floor(i / 3) % 40 < 12 ? 200 : 100)),
    };
    const flat: Picture = { ...host, data: new Float32Array(host.data.length).fill(30) };
    const forgery = new Forgery(split);
    const apart = [[0, 0], [13.5, 0], [13.5, 29], [0, 29]] as const; // prettier-ignore
    forgery.graft({ from: flat, outline: square, feather: 1, anchor: [15, 15], to: [15, 15], seamless: true, apart });
    expect(red(forgery, 15, 15)).toBeCloseTo(100, 1);
  });
});
