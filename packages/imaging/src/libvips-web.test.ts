import { readFile } from 'node:fs/promises';
import { Random } from '@forgelens/autograd';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import type { Image } from './image.ts';
import * as node from './libvips.ts';

// In Node it finds its files by itself.
vi.mock('wasm-vips', async importOriginal => {
  const { default: Vips } = await importOriginal<{ default: (options: object) => Promise<object> }>();
  return { default: ({ dynamicLibraries, preRun }: Record<string, unknown>) => Vips({ dynamicLibraries, preRun }) };
});
const web: typeof node = await import('./libvips-web.ts');

/** Shades, edges and noise of odd sizes, so that every part of a codec has something to do. */
function picture(width: number, height: number): Image {
  const random = new Random(7);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const edge = Math.hypot(x - 40, y - 30) < 20 ? 70 * (i % 3) : 0;
    return Math.min(255, Math.max(0, 110 + edge + 50 * Math.sin(x / 5 + (i % 3)) + random.uniform(-30, 30)));
  });
  return { width, height, data };
}
const photo = picture(131, 77);
const raw = (channels: 1 | 2 | 3 | 4, levels: Uint8Array | Uint16Array = photo.data) =>
  sharp(levels.slice(0, channels * 80 * 60), { raw: { width: 80, height: 60, channels } });
const rgb = sharp(photo.data, { raw: { width: 131, height: 77, channels: 3 } });
const deep = Uint16Array.from(photo.data, (level, i) => level * 257 + (i % 97));

const files: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  'JPEG 4:2:0': () => rgb.clone().jpeg({ quality: 75 }).toBuffer(),
  'JPEG 4:4:4': () => rgb.clone().jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer(),
  'JPEG progressive': () => rgb.clone().jpeg({ progressive: true }).toBuffer(),
  'JPEG by mozjpeg': () => rgb.clone().jpeg({ mozjpeg: true, quality: 60 }).toBuffer(),
  'JPEG grey': () => raw(1).toColourspace('b-w').jpeg().toBuffer(),
  'JPEG CMYK': () => rgb.clone().toColourspace('cmyk').jpeg().toBuffer(),
  'JPEG with a profile': () => rgb.clone().withIccProfile('p3').jpeg().toBuffer(),
  ...Object.fromEntries(
    [2, 3, 4, 5, 6, 7, 8].map(orientation => [
      `JPEG of orientation ${orientation}`,
      () => rgb.clone().withMetadata({ orientation }).jpeg().toBuffer(),
    ]),
  ),
  'JPEG of one pixel': () =>
    sharp(Uint8Array.of(9, 200, 3), { raw: { width: 1, height: 1, channels: 3 } })
      .jpeg()
      .toBuffer(),
  PNG: () => rgb.clone().png().toBuffer(),
  'PNG interlaced': () => rgb.clone().png({ progressive: true }).toBuffer(),
  'PNG palette': () => rgb.clone().png({ palette: true, colours: 40 }).toBuffer(),
  'PNG alpha': () => raw(4).png().toBuffer(),
  'PNG grey': () => raw(1).toColourspace('b-w').png().toBuffer(),
  'PNG grey alpha': () => raw(2).toColourspace('b-w').png().toBuffer(),
  'PNG 16 bits': () => raw(3, deep).toColourspace('rgb16').png().toBuffer(),
  'PNG 16 bits grey': () => raw(1, deep).toColourspace('grey16').png().toBuffer(),
  WebP: () => rgb.clone().webp({ quality: 70 }).toBuffer(),
  'WebP lossless': () => rgb.clone().webp({ lossless: true }).toBuffer(),
  'WebP alpha': () => raw(4).webp().toBuffer(),
  'WebP of orientation 6': () => rgb.clone().withMetadata({ orientation: 6 }).webp().toBuffer(),
  'TIFF of strips': () => rgb.clone().tiff({ compression: 'none' }).toBuffer(),
  'TIFF LZW': () => rgb.clone().tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer(),
  'TIFF deflate': () => rgb.clone().tiff({ compression: 'deflate' }).toBuffer(),
  'TIFF of tiles': () => rgb.clone().tiff({ tile: true, tileWidth: 32, tileHeight: 32 }).toBuffer(),
  'TIFF JPEG': () => rgb.clone().tiff({ compression: 'jpeg', quality: 80 }).toBuffer(),
  'TIFF 16 bits': () => raw(3, deep).toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
  'TIFF grey': () => raw(1).toColourspace('b-w').tiff({ compression: 'lzw' }).toBuffer(),
  'TIFF of one bit': () => raw(1).toColourspace('b-w').tiff({ bitdepth: 1, compression: 'ccittfax4' }).toBuffer(),
  'TIFF alpha': () => raw(4).tiff({ compression: 'deflate' }).toBuffer(),
  'TIFF CMYK': () => rgb.clone().toColourspace('cmyk').tiff().toBuffer(),
  GIF: () => rgb.clone().gif().toBuffer(),
  AVIF: () => rgb.clone().avif({ quality: 60, effort: 0 }).toBuffer(),
};

describe('libvips in a browser decodes as in Node', () => {
  test.each(Object.entries(files))('%s', async (_, make) => {
    const bytes = await make();
    expect(await web.readHeader(bytes)).toEqual(await node.readHeader(bytes));
    const [there, here] = [await web.readPixels(bytes), await node.readPixels(bytes)];
    expect([there.width, there.height]).toEqual([here.width, here.height]);
    expect(Buffer.compare(there.data, here.data)).toBe(0);
  });

  test.each(['forged/two-figs.jpg', 'forged/trunk-without-nuthatch.png', 'authentic/wine.jpg'])('%s', async path => {
    const bytes = await readFile(new URL(`../../../examples/${path}`, import.meta.url));
    expect(await web.readHeader(bytes)).toEqual(await node.readHeader(bytes));
    expect(Buffer.compare((await web.readPixels(bytes)).data, (await node.readPixels(bytes)).data)).toBe(0);
  });

  test('maps of 8 and 16 bits', async () => {
    const grey = [await files['PNG grey']!(), await files['PNG 16 bits grey']!()] as const;
    expect(await web.readLevels(grey[0], 'uchar')).toEqual(await node.readLevels(grey[0], 'uchar'));
    expect(await web.readLevels(grey[1], 'ushort')).toEqual(await node.readLevels(grey[1], 'ushort'));
  });
});

describe('libvips in a browser encodes as in Node', () => {
  test.each([
    [95, '4:2:0'],
    [30, '4:2:0'],
    [84, '4:4:4'],
  ] as const)('JPEG of quality %i, %s, to the byte', async (quality, subsampling) => {
    const there = await web.writeJpeg(photo, quality, subsampling);
    expect(Buffer.compare(there, await node.writeJpeg(photo, quality, subsampling))).toBe(0);
  });

  test('PNG and WebP', async () => {
    const layout = { width: 131, height: 77, channels: 3 } as const;
    const png = await web.writePng(photo.data, layout, 3);
    expect(Buffer.compare((await node.readPixels(png)).data, photo.data)).toBe(0);
    const grey = await web.writePng(photo.data.subarray(0, 131 * 77), { ...layout, channels: 1 }, 6);
    expect(await node.readHeader(grey)).toMatchObject({ channels: 1, colourSpace: 'b-w' });
    expect(Buffer.compare(await web.writeWebp(photo, 70), await node.writeWebp(photo, 70))).toBe(0);
  });
});

describe('libvips in a browser says of a broken file what it says in Node', () => {
  const messageOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'taken',
      (error: Error) => error.message.split('\n')[0]!,
    );
  const cut = async (name: string, share: number) => {
    const bytes = await files[name]!();
    return bytes.subarray(0, Math.round(share * bytes.length));
  };

  test.each([
    ['a text', async () => Buffer.from('hello, world')],
    ['half a JPEG', () => cut('JPEG 4:2:0', 0.5)],
    ['half a PNG', () => cut('PNG', 0.5)],
    ['half a WebP', () => cut('WebP', 0.5)],
    ['half a TIFF', () => cut('TIFF LZW', 0.5)],
    ['half a GIF', () => cut('GIF', 0.5)],
    ['half an AVIF', () => cut('AVIF', 0.5)],
    ['the first bytes of a JPEG', () => cut('JPEG 4:2:0', 0.01)],
    ['the first bytes of a PNG', () => cut('PNG', 0.001)],
  ])('%s', async (_, make) => {
    const bytes = await make();
    expect(await messageOf(web.readHeader(bytes))).toBe(await messageOf(node.readHeader(bytes)));
    const reason = await messageOf(node.readPixels(bytes));
    expect(reason).not.toBe('taken');
    expect(await messageOf(web.readPixels(bytes))).toBe(reason);
  });
});
