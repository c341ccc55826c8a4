import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Random } from '@forgelens/autograd';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import {
  decodeImage,
  decodeMap16,
  decodeMap16At,
  decodeMask,
  decodeOwn,
  encodeJpeg,
  encodeMap16,
  encodeMask,
  encodePng,
  imageSize,
  jpegRecompress,
} from './codec.ts';
import { readImage, readImageSize, readMask } from './files.ts';
import { filledImage, type Image } from './image.ts';
import { readHeader } from './libvips.ts';
import { encodeOverlay } from './overlay.ts';
import { resizePlanes } from './resize.ts';

vi.mock('./libvips.ts', { spy: true });

/** A smooth picture with a little noise, so that codecs have something to do. */
function picture(width: number, height: number, seed = 1): Image {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    return 128 + 60 * Math.sin(x / 9 + (i % 3)) + 40 * Math.cos(y / 7) + random.uniform(-8, 8);
  });
  return { width, height, data };
}

/** A bitmap of 24 bits a pixel, whose rows take no padding. */
function bmpOf({ width, height, data }: Image): Uint8Array {
  const bytes = new Uint8Array(54 + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  for (const [at, value] of [
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
  ] as const)
    view.setUint32(at, value, true);
  view.setUint16(28, 24, true);
  bytes.set(data, 54);
  return bytes;
}

const raw = (data: Uint8Array | Uint16Array, width: number, height: number, channels: 1 | 2 | 3 | 4) =>
  sharp(data, { raw: { width, height, channels } });

describe('decodeImage', () => {
  test('returns the pixels that encodePng was given', async () => {
    const image = picture(13, 7);
    const decoded = await decodeImage(await encodePng(image), 'a.png');
    expect([decoded.width, decoded.height]).toEqual([13, 7]);
    expect(decoded.data).toEqual(image.data);
    expect(decoded.source).toEqual({
      format: 'png',
      width: 13,
      height: 7,
      orientation: 1,
      channels: 3,
      bitDepth: 8,
      colourSpace: 'srgb',
      hasAlpha: false,
      frames: 1,
      decoder: expect.stringMatching(/^libvips 8\./) as string,
    });
  });

  test('repeats grey to three channels', async () => {
    const bytes = await raw(Uint8Array.of(0, 100, 255, 7), 2, 2, 1)
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const decoded = await decodeImage(bytes, 'grey.png');
    expect([...decoded.data]).toEqual([0, 0, 0, 100, 100, 100, 255, 255, 255, 7, 7, 7]);
    expect(decoded.source).toMatchObject({ channels: 1, colourSpace: 'b-w' });
  });

  test('drops alpha without compositing, and says that there was one', async () => {
    const decoded = await decodeImage(
      await raw(Uint8Array.of(200, 100, 50, 0), 1, 1, 4)
        .png()
        .toBuffer(),
      'alpha.png',
    );
    expect([...decoded.data]).toEqual([200, 100, 50]);
    expect(decoded.source).toMatchObject({ channels: 4, hasAlpha: true });
  });

  test('keeps the upper 8 of 16 bits', async () => {
    const levels = Uint16Array.of(0x00ff, 0x12ff, 0xffff);
    const decoded = await decodeImage(await raw(levels, 1, 1, 3).toColourspace('rgb16').png().toBuffer(), 'deep.png');
    expect([...decoded.data]).toEqual([0x00, 0x12, 0xff]);
    expect(decoded.source).toMatchObject({ bitDepth: 16, colourSpace: 'rgb16' });
  });

  test('converts CMYK to RGB', async () => {
    const bytes = await raw(filledImage(16, 16, [255, 255, 255]).data, 16, 16, 3)
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    const decoded = await decodeImage(bytes, 'cmyk.jpg');
    expect(decoded.source).toMatchObject({ colourSpace: 'cmyk', channels: 4 });
    expect(Math.min(...decoded.data)).toBeGreaterThan(240);
  });

  test('looks palettes up', async () => {
    const bytes = await raw(filledImage(4, 4, [250, 10, 20]).data, 4, 4, 3)
      .png({ palette: true })
      .toBuffer();
    expect([...(await decodeImage(bytes, 'palette.png')).data.subarray(0, 3)]).toEqual([250, 10, 20]);
  });

  test('ignores an embedded colour profile', async () => {
    const image = filledImage(8, 8, [200, 60, 20]);
    const bytes = await raw(image.data, 8, 8, 3).withIccProfile('p3', { attach: true }).png().toBuffer();
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer();
    expect((await sharp(bytes).metadata()).hasProfile).toBe(true);
    expect([...(await decodeImage(bytes, 'profile.png')).data]).toEqual([...stored]);
  });

  test('applies the EXIF orientation and records it with the stored size', async () => {
    const image = picture(20, 10);
    const bytes = await raw(image.data, 20, 10, 3).withMetadata({ orientation: 6 }).png().toBuffer();
    const decoded = await decodeImage(bytes, 'turned.png');
    expect([decoded.width, decoded.height]).toEqual([10, 20]);
    expect(decoded.source).toMatchObject({ orientation: 6, width: 20, height: 10 });
    expect(await imageSize(bytes, 'turned.png')).toEqual({ width: 10, height: 20 });
    // Turned clockwise: the bottom left corner as stored comes to the top left.
    expect([...decoded.data.subarray(0, 3)]).toEqual([...image.data.subarray(9 * 20 * 3, 9 * 20 * 3 + 3)]);
  });

  test.each(['webp', 'tiff', 'gif'] as const)('reads %s', async format => {
    const bytes = await raw(filledImage(9, 5, [255, 0, 0]).data, 9, 5, 3)
      .toFormat(format)
      .toBuffer();
    const decoded = await decodeImage(bytes, `a.${format}`);
    expect([decoded.width, decoded.height, decoded.source.format]).toEqual([9, 5, format]);
    expect(decoded.data[0]).toBeGreaterThan(240);
  });

  test('reads one pixel', async () => {
    expect([...(await decodeImage(await encodePng(filledImage(1, 1, [1, 2, 3])), 'dot.png')).data]).toEqual([1, 2, 3]);
  });

  test('reads 50 megapixels', async () => {
    const bytes = await sharp({ create: { width: 10_000, height: 5_000, channels: 3, background: '#405060' } })
      .jpeg()
      .toBuffer();
    const decoded = await decodeImage(bytes, 'large.jpg');
    expect(decoded.data.length).toBe(150_000_000);
  });

  test('takes the first of several frames, unless they are too many', async () => {
    const frames = [await encodePng(picture(8, 8, 1)), await encodePng(picture(8, 8, 2))].map(bytes =>
      Buffer.from(bytes),
    );
    const two = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer();
    expect((await decodeImage(two, 'two.webp')).source).toMatchObject({ width: 8, height: 8, frames: 2 });
    await expect(decodeImage(two, 'two.webp', { maxFrames: 1 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DataError: two.webp: 2 frames or pages, but at most 1 are taken; give the one that is meant as a picture of its own]`,
    );
  });

  test('refuses more pixels than the limit', async () => {
    const bytes = await encodePng(filledImage(40, 30));
    await expect(decodeImage(bytes, 'big.png', { maxPixels: 1000 })).rejects.toThrow(
      'big.png: 40×30 is 1200 pixels but at most 1000 are decoded; scale the picture down or raise the limit',
    );
  });

  test('refuses an empty file, a text and a drawing', async () => {
    await expect(decodeImage(new Uint8Array(), 'empty.jpg')).rejects.toThrow(
      'empty.jpg: not a readable image (the file is empty)',
    );
    await expect(decodeImage(Buffer.from('hello, world'), 'text.jpg')).rejects.toThrow(
      'text.jpg: not a readable image (Input buffer contains unsupported image format)',
    );
  });

  test.each([
    ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'an SVG drawing or other XML'],
    // libvips would have said of this one that its header is corrupt: it had looked.
    ['\ufeff<?xml version="1.0"?>\n<svg width="1e9', 'an SVG drawing or other XML'],
    ['%PDF-1.7\n', 'a PDF'],
    ['%!PS-Adobe-3.0 EPSF-3.0', 'PostScript'],
    ['8BPS\0\x01', 'a Photoshop file'],
    ['push graphic-context\nimage over 0,0 0,0 "|id"', 'a drawing of ImageMagick'],
  ])('libvips is never asked about %j', async (text, name) => {
    vi.mocked(readHeader).mockClear();
    const refusal = `a.jpg: not a readable image (it is ${name}; give a photograph as JPEG, PNG, WebP, TIFF, GIF, AVIF or BMP)`;
    await expect(decodeImage(Buffer.from(text), 'a.jpg')).rejects.toThrow(refusal);
    await expect(imageSize(Buffer.from(text), 'a.jpg')).rejects.toThrow(refusal);
    await expect(decodeMap16(Buffer.from(text), 'a.jpg')).rejects.toThrow(refusal);
    expect(readHeader).not.toHaveBeenCalled();
  });

  test.each(['jpeg', 'png', 'webp', 'tiff', 'gif', 'avif'] as const)('reads %s', async format => {
    const { data, width, height } = picture(20, 10);
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    expect(await decodeImage(bytes, 'a')).toMatchObject({ source: { format: format.replace('avif', 'heif') }, width });
  });

  test.each([
    ['jpg', (image: Image) => encodeJpeg(image, { quality: 90 })],
    ['png', encodePng],
  ])('refuses a truncated %s', async (extension, encode) => {
    const bytes = await encode(picture(200, 200));
    const cut = bytes.subarray(0, bytes.length >> 1);
    await expect(decodeImage(cut, `cut.${extension}`)).rejects.toThrow(/^cut\.\w+: not a readable image \(.+\)$/);
  });
});

test('jpegRecompress degrades with falling quality', async () => {
  const image = picture(64, 48);
  const error = async (quality: number) => {
    const { data } = await jpegRecompress(image, quality, '4:4:4');
    return data.reduce((sum, value, i) => sum + Math.abs(value - image.data[i]!), 0) / data.length;
  };
  const [high, low] = [await error(95), await error(30)];
  expect(high).toBeGreaterThan(0);
  expect(low).toBeGreaterThan(1.3 * high);
});

describe('masks and maps', () => {
  test('a mask comes back from its PNG', async () => {
    const mask = { width: 3, height: 2, data: Uint8Array.of(0, 1, 1, 0, 0, 1) };
    expect(await decodeMask(await encodeMask(mask), 'mask.png')).toEqual(mask);
  });

  test('a mask pixel is tampered where the mean of its channels is above the threshold', async () => {
    const bytes = await encodePng({ width: 3, height: 1, data: Uint8Array.of(255, 127, 0, 255, 128, 0, 0, 255, 0) });
    expect([...(await decodeMask(bytes, 'm.png')).data]).toEqual([0, 1, 0]);
    expect([...(await decodeMask(bytes, 'm.png', { threshold: 0 })).data]).toEqual([1, 1, 1]);
  });

  test('a probability map comes back from its 16-bit PNG to half a level', async () => {
    const random = new Random(2);
    const map = Float32Array.from({ length: 35 }, () => random.uniform());
    const { width, height, probabilities } = await decodeMap16(await encodeMap16(map, 7, 5), 'map.png');
    expect([width, height]).toEqual([7, 5]);
    for (const [i, p] of map.entries()) expect(Math.abs(p - probabilities[i]!)).toBeLessThan(0.51 / 65535);
  });

  test('a map is read at another size as if it were resized, and at its own as it is', async () => {
    const map = Float32Array.from({ length: 24 }, (_, i) => i / 24);
    const png = await encodeMap16(map, 6, 4);
    const expected = resizePlanes(map, { width: 6, height: 4, channels: 1 }, 3, 2);
    const [small, same] = [await decodeMap16At(png, 'map.png', 3, 2), await decodeMap16At(png, 'map.png', 6, 4)];
    expect(small).toHaveLength(6);
    for (const [i, p] of expected.entries()) expect(small[i]).toBeCloseTo(p, 4);
    for (const [i, p] of map.entries()) expect(same[i]).toBeCloseTo(p, 4);
  });

  test('rows are written as PNG as other programs write them, one or many, of noise or of one level', async () => {
    const random = new Random(4);
    for (const [width, height] of [
      [1, 1],
      [5, 3],
      [300, 400],
    ] as const)
      for (const noise of [0, 255]) {
        const image = filledImage(width, height);
        for (let i = 0; i < image.data.length; i++) image.data[i] = random.integer(0, noise + 1);
        const png = await encodeOverlay(image, new Float32Array(width * height), 0.5);
        expect(await sharp(png).metadata()).toMatchObject({
          format: 'png',
          width,
          height,
          channels: 3,
          depth: 'uchar',
        });
        expect(Buffer.compare((await decodeOwn(png)).data, image.data)).toBe(0);
      }
  });

  test('decodeMap16 reads 8 bits and refuses colour', async () => {
    const grey = await encodeMask({ width: 2, height: 1, data: Uint8Array.of(0, 1) });
    expect([...(await decodeMap16(grey, 'grey.png')).probabilities]).toEqual([0, 1]);
    await expect(decodeMap16(await encodePng(filledImage(2, 2)), 'rgb.png')).rejects.toThrow(
      'rgb.png: not a probability map (png of 3 channels); it must be a grey PNG',
    );
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'forgelens-'))));
  afterAll(() => rm(folder, { recursive: true }));

  test('readImageSize reads the head of a file, and the rest where that does not say it', async () => {
    const path = join(folder, 'sized');
    const sizeOf = async (bytes: Uint8Array) => {
      await writeFile(path, bytes);
      return readImageSize(path);
    };
    // Noise: no format has all of it in its head.
    const [random, image] = [new Random(5), filledImage(300, 200)];
    for (let i = 0; i < image.data.length; i++) image.data[i] = random.integer(0, 256);
    const pixels = raw(image.data, 300, 200, 3);
    const jpeg = await pixels.clone().jpeg().toBuffer();
    const comment = Buffer.concat([Buffer.of(0xff, 0xfe, 0xea, 0x62), Buffer.alloc(60_000)]);
    const behindComments = Buffer.concat([jpeg.subarray(0, 2), comment, comment, jpeg.subarray(2)]);
    for (const bytes of [
      ...[
        await pixels.clone().png().toBuffer(),
        await pixels.clone().tiff({ compression: 'none' }).toBuffer(),
        behindComments,
      ],
      ...[await pixels.clone().webp({ lossless: true }).toBuffer(), bmpOf(image)],
    ]) {
      expect(bytes.length).toBeGreaterThan(2 ** 16);
      expect(await sizeOf(bytes)).toMatchObject({ width: 300, height: 200 });
    }
    // Most of it need not be there.
    expect(await sizeOf((await pixels.clone().png().toBuffer()).subarray(0, 100))).toEqual({ width: 300, height: 200 });
    await expect(sizeOf(new TextEncoder().encode('a text'))).rejects.toThrow('sized: not a readable image');
    await expect(readImageSize(join(folder, 'gone.png'))).rejects.toThrow('gone.png: no such file');
  });

  test('readImage and readMask read what is there and name what is not', async () => {
    const path = join(folder, 'a.png');
    await writeFile(path, await encodePng(filledImage(2, 2, [255, 255, 255])));
    expect((await readImage(path)).width).toBe(2);
    expect([...(await readMask(path)).data]).toEqual([1, 1, 1, 1]);
    await expect(readImage(join(folder, 'b.png'))).rejects.toThrow(`${join(folder, 'b.png')}: no such file`);
    await expect(readMask(folder)).rejects.toThrow(`${folder}: cannot be read (EISDIR)`);
  });
});
