/**
 * libvips in Node, through sharp. `libvips-web.ts` has the same functions for browsers: both are built of the same version
 * of libvips and of its codecs, so the same bytes give the same pixels. `codec.ts` imports one of them as `#libvips`.
 */
import sharp from 'sharp';
import type { ChromaSubsampling } from './degradations.ts';
import type { Image } from './image.ts';

/** Versions of the libraries that decode and encode. */
export const versions: Readonly<Record<string, string>> = {
  libvips: sharp.versions.vips,
  sharp: sharp.versions.sharp ?? 'unknown',
};

/** What the head of a file says. */
export interface Header {
  /** As libvips calls it: `jpeg`, `png`, `svg`, … */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly orientation: number;
  readonly channels: number;
  /** Bits a channel, where the file says so. */
  readonly bitsPerSample: number | undefined;
  /** The type of a sample once it is decoded: `uchar`, `ushort`, `float`, … */
  readonly depth: string;
  readonly colourSpace: string;
  readonly hasAlpha: boolean;
  readonly frames: number;
}

/** @throws {Error} whose first line says what is wrong with the file */
export async function readHeader(bytes: Uint8Array): Promise<Header> {
  const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
  const { format, width, height, orientation = 1, channels, bitsPerSample, depth, space, hasAlpha, pages } = metadata;
  return {
    ...{ format, width, height, orientation, channels, bitsPerSample, depth, hasAlpha },
    colourSpace: space,
    frames: pages ?? 1,
  };
}

/**
 * RGB of 8 bits, upright. Colour profiles are ignored, alpha is dropped.
 * @throws {Error} whose first line says what is wrong with the file
 */
export async function readPixels(bytes: Uint8Array): Promise<Image> {
  // Warnings, such as stray bytes between JPEG segments, leave the pixels whole; a truncated file does not.
  const { data, info } = await sharp(bytes, {
    ignoreIcc: true,
    limitInputPixels: false,
    failOn: 'error',
    autoOrient: true,
  })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** A grey picture as it is stored: 8 or 16 bits. */
export interface Levels {
  readonly width: number;
  readonly height: number;
  readonly levels: Uint8Array | Uint16Array;
}

/**
 * The levels of a picture of one channel.
 * @throws {Error} whose first line says what is wrong with the file
 */
export async function readLevels(bytes: Uint8Array, depth: 'uchar' | 'ushort'): Promise<Levels> {
  const { data, info } = await sharp(bytes, { ignoreIcc: true, limitInputPixels: false, failOn: 'error' })
    .toColourspace(depth === 'ushort' ? 'grey16' : 'b-w')
    .raw({ depth })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const levels =
    depth === 'ushort' ? new Uint16Array(data.buffer, data.byteOffset, width * height) : new Uint8Array(data);
  return { width, height, levels };
}

/** How interleaved samples of 8 bits lie: 1 channel is grey, 3 are red, green and blue. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A PNG of 8 bits. */
export function writePng(
  samples: Uint8Array,
  { width, height, channels }: Layout,
  compressionLevel: number,
): Promise<Uint8Array> {
  const picture = sharp(samples, { raw: { width, height, channels }, limitInputPixels: false });
  return (channels === 1 ? picture.toColourspace('b-w') : picture).png({ compressionLevel }).toBuffer();
}

/** A baseline JPEG with the standard's quantization tables. */
export const writeJpeg = (
  { width, height, data }: Image,
  quality: number,
  chromaSubsampling: ChromaSubsampling,
): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .jpeg({ quality, chromaSubsampling })
    .toBuffer();

/** A lossy WebP. */
export const writeWebp = ({ width, height, data }: Image, quality: number): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .webp({ quality })
    .toBuffer();
