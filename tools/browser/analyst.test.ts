/** The analysis in Chromium and in Node agree on the same bytes; `tools/browser/analyst.ts` compares any file, and on WebGPU. */
import { createHash } from 'node:crypto';
import { decodeImage } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import { defaultModel, openLocalizer } from '@forgelens/localize';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { OpenAnalyst } from './analyst.ts';
import { compare, openAnalyst } from './analyst.ts';
import { whyNot } from './chromium.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const skipped = whyNot();
const title = (name: string): string => (skipped === null ? name : `${name} (skipped: ${skipped})`);

/** A part of a forged photograph, with one of its two figs. */
const part = () =>
  sharp(`${import.meta.dirname}/../../examples/forged/boulder-on-meadow.jpg`).extract({
    ...{ left: 220, top: 421, width: 277, height: 203 },
  });
const formats: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  'part.jpg': () => part().jpeg({ quality: 90 }).toBuffer(),
  'part.png': () => part().png().toBuffer(),
  'part.webp': () => part().webp({ quality: 85 }).toBuffer(),
  'part.tiff': () => part().tiff({ compression: 'lzw' }).toBuffer(),
};
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe.skipIf(skipped !== null)(title('the analysis in a browser'), () => {
  let analyst: OpenAnalyst;
  let localizer: Localizer;
  beforeAll(async () => {
    [analyst, localizer] = [await openAnalyst('wasm'), await openLocalizer(defaultModel)];
  });
  afterAll(async () => {
    await analyst.close();
    await localizer.close();
  });

  test.each(Object.entries(formats))('finds in %s what Node finds', async (name, make) => {
    const { there, here, ...agreement } = await compare(analyst, localizer, name, await make());
    // There is something to find, so that this is no agreement of two empty masks.
    expect(agreement.marked).toBeGreaterThan(0.01 * agreement.pixels);
    expect(agreement.difference).toBeLessThan(1e-3);
    expect(agreement.disagreeing).toBeLessThan(0.001 * agreement.pixels);
    expect(agreement.evidenceDifference).toBeLessThan(1e-3);
    expect(there.input).toEqual(here.input);
    expect(there.model).toEqual(here.model);
    expect(there.preprocessing).toEqual(here.preprocessing);
    expect(there.regions).toHaveLength(here.regions.length);
    const said = ({ evidence }: typeof here) => evidence!.map(({ id, outcome, summary }) => ({ id, outcome, summary }));
    expect(said(there)).toEqual(said(here));
    expect(there.warnings).toEqual(here.warnings);
  });

  test.each([
    ...Object.entries(formats),
    ['grey.png', () => part().greyscale().toColourspace('b-w').png().toBuffer()],
    ['deep.png', () => part().toColourspace('rgb16').png().toBuffer()],
    ['turned.jpg', () => part().withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['cmyk.jpg', () => part().toColourspace('cmyk').jpeg().toBuffer()],
    ['part.avif', () => part().avif({ effort: 0 }).toBuffer()],
    ['part.gif', () => part().gif().toBuffer()],
  ] as [string, () => Promise<Uint8Array>][])('decodes %s to the pixels that Node has', async (name, make) => {
    const bytes = await make();
    const { source, data } = await decodeImage(bytes, name);
    const sha256 = createHash('sha256').update(data).digest('hex');
    expect(await analyst.decode(name, base64(bytes))).toEqual({ source, sha256 });
  });

  test('refuses what is no picture with the words of Node, and stops when it is told to', async () => {
    const text = base64(Buffer.from('hello, world'));
    expect(await analyst.refuse('text.jpg', text)).toBe(
      'DataError: text.jpg: not a readable image (Input buffer contains unsupported image format)',
    );
    const picture = base64(await formats['part.jpg']!());
    expect(await analyst.refuse('part.jpg', picture)).toBe('Error: stopped');
  });

  test('goes on without a network, once the page was loaded', async () => {
    const picture = base64(await formats['part.jpg']!());
    const before = await analyst.see('part.jpg', picture);
    expect(before.stages).toEqual(['wait', 'load', 'decode', 'locate', 'draw', 'evidence']);
    analyst.goOffline();
    await analyst.reload();
    const after = await analyst.see('part.jpg', picture);
    expect(after.analysis.score).toEqual(before.analysis.score);
    expect(after.files).toEqual(before.files);
    expect(after.report).toContain('<html');
    expect(after.report).toContain(after.analysis.input.sha256);
  });
});
