import { DataError } from '@forgelens/autograd';
import * as libvips from '#libvips';

import type { ChromaSubsampling } from './degradations.ts';
import { decodeBmp, isBmp } from './bmp.ts';
import { refuseForeign } from './format.ts';
import type { Image, Mask } from './image.ts';
import { writePngRows } from './png.ts';
import { resizePlanes } from './resize.ts';

/** What a picture's file says of itself, before pixels are made uniform. */
export interface ImageSource {
  /** `jpeg`, `png`, `webp`, `tiff`, `gif`, `heif` or `bmp`. */
  readonly format: string;
  /** Size as stored, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  /** EXIF orientation, 1–8; 1 when the file has none. It has been applied to the pixels. */
  readonly orientation: number;
  readonly channels: number;
  /** Bits a channel. */
  readonly bitDepth: number;
  /** As libvips names it: `srgb`, `b-w`, `cmyk`, `rgb16`, `grey16`, … */
  readonly colourSpace: string;
  readonly hasAlpha: boolean;
  /** Frames of an animation or pages of a document; 1 when there is but the picture. */
  readonly frames: number;
  /** What made pixels of the bytes, with its version. */
  readonly decoder: string;
}

/** Versions of the libraries that decode and encode. */
export const codecVersions: Readonly<Record<string, string>> = libvips.versions;

/** An image with what its file said. */
export interface DecodedImage extends Image {
  readonly source: ImageSource;
}

/** The largest picture that is decoded unless the caller says otherwise: 2²⁸ pixels. */
export const defaultMaxPixels = 2 ** 28;

const formats = ['jpeg', 'png', 'webp', 'tiff', 'gif', 'heif'];
const bitsOf: Record<string, number> = { uchar: 8, char: 8, ushort: 16, short: 16, uint: 32, int: 32, float: 32 };

/**
 * Pixels of an encoded picture (JPEG, PNG, WebP, TIFF, GIF, AVIF, BMP), as close to what is stored as RGB allows: embedded
 * colour profiles are ignored, an alpha channel is dropped (not composited), grey is repeated to three channels, CMYK
 * is converted by libvips, 16 bits become the upper 8, and of several pages or frames the first is taken. The EXIF
 * orientation is applied.
 *
 * @param path - the file's name for error messages
 * @throws {DataError} when the bytes are not a complete picture of a supported format, or have more than `maxPixels` or
 * `maxFrames`.
 */
export async function decodeImage(
  bytes: Uint8Array,
  path: string,
  { maxPixels = defaultMaxPixels, maxFrames = Infinity }: { maxPixels?: number; maxFrames?: number } = {},
): Promise<DecodedImage> {
  if (bytes.length === 0) throw new DataError(path, 'not a readable image (the file is empty)');
  if (isBmp(bytes)) {
    const image = decodeBmp(bytes, path, maxPixels);
    const { width, height } = image;
    const stored = { channels: 3, bitDepth: 8, colourSpace: 'srgb', hasAlpha: false, frames: 1, decoder: 'forgelens' };
    return { ...image, source: { format: 'bmp', width, height, orientation: 1, ...stored } };
  }
  const header = await readHeader(bytes, path);
  const { format, width, height, orientation, channels, bitsPerSample, depth, colourSpace, hasAlpha, frames } = header;
  // What libvips reads beside these depends on how it was built.
  if (!formats.includes(format)) notReadable(path, 'Input buffer contains unsupported image format');
  if (width * height > maxPixels)
    throw new DataError(
      path,
      `${width}×${height} is ${width * height} pixels but at most ${maxPixels} are decoded; scale the picture down or raise the limit`,
    );
  if (frames > maxFrames)
    throw new DataError(
      path,
      `${frames} frames or pages, but at most ${maxFrames} are taken; give the one that is meant as a picture of its own`,
    );
  const image = await libvips.readPixels(bytes).catch(error => notReadable(path, error));
  const source = {
    ...{ format, width, height, orientation, channels, colourSpace, hasAlpha, frames },
    bitDepth: bitsPerSample ?? bitsOf[depth] ?? 8,
    decoder: `libvips ${codecVersions['libvips']}`,
  };
  return { ...image, source };
}

/**
 * The size of an encoded picture as it will be decoded, without decoding it.
 *
 * @param path - the file's name for error messages
 * @throws {DataError} when the bytes do not begin as a picture does
 */
export async function imageSize(
  bytes: Uint8Array,
  path: string,
): Promise<{ readonly width: number; readonly height: number }> {
  if (isBmp(bytes)) return decodeBmp(bytes, path, defaultMaxPixels);
  const { width, height, orientation } = await readHeader(bytes, path);
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

/** What the head of a file says. @throws {DataError} when it is of no format that is read, or broken */
async function readHeader(bytes: Uint8Array, path: string): Promise<libvips.Header> {
  refuseForeign(bytes, path);
  return libvips.readHeader(bytes).catch(error => notReadable(path, error));
}

function notReadable(path: string, error: unknown): never {
  // libvips reports in several lines; the first one says what is wrong.
  const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
  throw new DataError(path, `not a readable image (${reason})`, { cause: error });
}

/**
 * A mask from an encoded picture: tampered where the mean of red, green and blue is above `threshold`.
 *
 * @throws {DataError} as `decodeImage`.
 */
export async function decodeMask(bytes: Uint8Array, path: string, { threshold = 127.5 } = {}): Promise<Mask> {
  const { width, height, data } = await decodeImage(bytes, path);
  const mask = new Uint8Array(width * height);
  for (let i = 0; i < mask.length; i++)
    mask[i] = data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]! > 3 * threshold ? 1 : 0;
  return { width, height, data: mask };
}

/** An image as an 8-bit RGB PNG. (Level 3 takes three quarters of the time of the usual 6, for 1 % more bytes.) */
export const encodePng = (image: Image): Promise<Uint8Array> =>
  libvips.writePng(image.data, { ...image, channels: 3 }, 3);

/** A mask as an 8-bit grey PNG: 0 authentic, 255 tampered. */
export function encodeMask(mask: Mask): Promise<Uint8Array> {
  // Uint8Array.map with a function takes longer than the compression.
  const levels = new Uint8Array(mask.data.length);
  for (let i = 0; i < levels.length; i++) levels[i] = mask.data[i]! * 255;
  return libvips.writePng(levels, { ...mask, channels: 1 }, 6);
}

/** The quality (1–100, on the scale of libjpeg) and the chroma subsampling of a JPEG. */
export interface JpegOptions {
  readonly quality: number;
  readonly chromaSubsampling?: ChromaSubsampling;
}

/** An image as a baseline JPEG with the standard's quantization tables. */
export const encodeJpeg = (image: Image, { quality, chromaSubsampling = '4:2:0' }: JpegOptions): Promise<Uint8Array> =>
  libvips.writeJpeg(image, quality, chromaSubsampling);

/** An image as a lossy WebP of a quality of 1–100, on the scale of libwebp. */
export const encodeWebp = (image: Image, { quality }: { readonly quality: number }): Promise<Uint8Array> =>
  libvips.writeWebp(image, quality);

/** The image as it comes back from a JPEG file of the given quality (1–100). */
export const jpegRecompress = async (
  image: Image,
  quality: number,
  chromaSubsampling: ChromaSubsampling = '4:2:0',
): Promise<Image> => decodeOwn(await encodeJpeg(image, { quality, chromaSubsampling }));

/** Decodes what this room has encoded: RGB of 8 bits, upright. */
export const decodeOwn = (bytes: Uint8Array): Promise<Image> => libvips.readPixels(bytes);

/** Probabilities in [0, 1] as a 16-bit grey PNG: round(p · 65535). */
export const encodeMap16 = (probabilities: Float32Array, width: number, height: number): Promise<Uint8Array> =>
  writePngRows({
    ...{ width, height, channels: 1, bits: 16 },
    fill: (y, row) => {
      for (let x = 0, i = y * width; x < width; x++, i++) {
        const level = Math.round(Math.min(Math.max(probabilities[i]!, 0), 1) * 65535);
        row[2 * x] = level >> 8;
        row[2 * x + 1] = level;
      }
    },
  });

/**
 * The probabilities of a PNG that `encodeMap16` wrote; an 8-bit grey PNG is read as p · 255.
 *
 * @throws {DataError} when the bytes are not a readable grey PNG.
 */
export async function decodeMap16(
  bytes: Uint8Array,
  path: string,
): Promise<{ width: number; height: number; probabilities: Float32Array }> {
  const { width, height, levels, highest } = await readMapLevels(bytes, path);
  // A plain loop: Float32Array.from with a function takes half a minute for 50 megapixels.
  const probabilities = new Float32Array(width * height);
  for (let i = 0; i < probabilities.length; i++) probabilities[i] = levels[i]! / highest;
  return { width, height, probabilities };
}

/**
 * The probabilities of such a PNG at another size, filtered as by `resizeImage`. Those of its own size are never there.
 *
 * @throws {DataError} as `decodeMap16`.
 */
export async function decodeMap16At(
  bytes: Uint8Array,
  path: string,
  width: number,
  height: number,
): Promise<Float32Array> {
  const { levels, highest, ...stored } = await readMapLevels(bytes, path);
  return resizePlanes(levels, { ...stored, channels: 1 }, width, height).map(level => level / highest);
}

async function readMapLevels(bytes: Uint8Array, path: string): Promise<libvips.Levels & { readonly highest: number }> {
  const { format, channels, depth } = await readHeader(bytes, path);
  if (format !== 'png' || channels !== 1)
    throw new DataError(path, `not a probability map (${format} of ${channels} channels); it must be a grey PNG`);
  const { width, height, levels } = await libvips
    .readLevels(bytes, depth === 'ushort' ? 'ushort' : 'uchar')
    .catch(error => notReadable(path, error));
  return { width, height, levels, highest: depth === 'ushort' ? 65535 : 255 };
}
