import { DataError } from '@forgelens/autograd';
import sharp from 'sharp';

import type { ChromaSubsampling } from './degradations.ts';
import { decodeBmp, isBmp } from './bmp.ts';
import type { Image, Mask } from './image.ts';

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
export const codecVersions: Readonly<Record<string, string>> = {
  libvips: sharp.versions.vips,
  sharp: sharp.versions.sharp ?? 'unknown',
};

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
  const metadata = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(error => notReadable(path, error));
  const { width, height, pages: frames = 1 } = metadata;
  if (!formats.includes(metadata.format))
    throw new DataError(path, `not a readable image (${metadata.format} is none of ${formats.join(', ')})`);
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
  // Warnings, such as stray bytes between JPEG segments, leave the pixels whole; a truncated file does not.
  const decoded = await sharp(bytes, { ignoreIcc: true, limitInputPixels: false, failOn: 'error', autoOrient: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(error => notReadable(path, error));
  return {
    width: decoded.info.width,
    height: decoded.info.height,
    data: new Uint8Array(decoded.data.buffer, decoded.data.byteOffset, decoded.data.byteLength),
    source: {
      format: metadata.format,
      width,
      height,
      orientation: metadata.orientation ?? 1,
      channels: metadata.channels,
      bitDepth: metadata.bitsPerSample ?? bitsOf[metadata.depth] ?? 8,
      colourSpace: metadata.space,
      hasAlpha: metadata.hasAlpha,
      frames,
      decoder: `libvips ${codecVersions['libvips']}`,
    },
  };
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
  const { autoOrient } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(error => notReadable(path, error));
  return autoOrient;
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

const raw = ({ width, height, data }: Image | Mask, channels: 1 | 3) =>
  sharp(data, { raw: { width, height, channels }, limitInputPixels: false });

/** An image as an 8-bit RGB PNG. (Level 3 takes three quarters of the time of the usual 6, for 1 % more bytes.) */
export const encodePng = (image: Image): Promise<Uint8Array> => raw(image, 3).png({ compressionLevel: 3 }).toBuffer();

/** A mask as an 8-bit grey PNG: 0 authentic, 255 tampered. */
export function encodeMask(mask: Mask): Promise<Uint8Array> {
  // Uint8Array.map with a function takes longer than the compression.
  const levels = new Uint8Array(mask.data.length);
  for (let i = 0; i < levels.length; i++) levels[i] = mask.data[i]! * 255;
  return raw({ ...mask, data: levels }, 1)
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** The quality (1–100, on the scale of libjpeg) and the chroma subsampling of a JPEG. */
export interface JpegOptions {
  readonly quality: number;
  readonly chromaSubsampling?: ChromaSubsampling;
}

/** An image as a baseline JPEG with the standard's quantization tables. */
export const encodeJpeg = (image: Image, { quality, chromaSubsampling = '4:2:0' }: JpegOptions): Promise<Uint8Array> =>
  raw(image, 3).jpeg({ quality, chromaSubsampling }).toBuffer();

/** An image as a lossy WebP of a quality of 1–100, on the scale of libwebp. */
export const encodeWebp = (image: Image, { quality }: { readonly quality: number }): Promise<Uint8Array> =>
  raw(image, 3).webp({ quality }).toBuffer();

/** The image as it comes back from a JPEG file of the given quality (1–100). */
export const jpegRecompress = async (
  image: Image,
  quality: number,
  chromaSubsampling: ChromaSubsampling = '4:2:0',
): Promise<Image> => decodeOwn(await encodeJpeg(image, { quality, chromaSubsampling }));

/** Decodes what this room has encoded: RGB of 8 bits, upright. */
export async function decodeOwn(bytes: Uint8Array): Promise<Image> {
  const { data, info } = await sharp(bytes, { limitInputPixels: false }).raw().toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** Probabilities in [0, 1] as a 16-bit grey PNG: round(p · 65535). */
export function encodeMap16(probabilities: Float32Array, width: number, height: number): Promise<Uint8Array> {
  // Uint16Array.from with a function takes half a minute for 50 megapixels; this takes half a second.
  const levels = new Uint16Array(probabilities.length);
  for (let i = 0; i < levels.length; i++) levels[i] = Math.round(Math.min(Math.max(probabilities[i]!, 0), 1) * 65535);
  return sharp(levels, { raw: { width, height, channels: 1 }, limitInputPixels: false })
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

/**
 * The probabilities of a PNG that `encodeMap16` wrote; an 8-bit grey PNG is read as p · 255.
 *
 * @throws {DataError} when the bytes are not a readable grey PNG.
 */
export async function decodeMap16(
  bytes: Uint8Array,
  path: string,
): Promise<{ width: number; height: number; probabilities: Float32Array }> {
  const input = sharp(bytes, { ignoreIcc: true, limitInputPixels: false, failOn: 'error' });
  const { format, channels, depth } = await input.metadata().catch(error => notReadable(path, error));
  if (format !== 'png' || channels !== 1)
    throw new DataError(path, `not a probability map (${format} of ${channels} channels); it must be a grey PNG`);
  const { data, info } = await input
    .toColourspace(depth === 'ushort' ? 'grey16' : 'b-w')
    .raw({ depth: depth === 'ushort' ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(error => notReadable(path, error));
  const levels =
    depth === 'ushort' ? new Uint16Array(data.buffer, data.byteOffset, info.width * info.height) : new Uint8Array(data);
  const highest = depth === 'ushort' ? 65535 : 255;
  // A plain loop, as in encodeMap16.
  const probabilities = new Float32Array(info.width * info.height);
  for (let i = 0; i < probabilities.length; i++) probabilities[i] = levels[i]! / highest;
  return { width: info.width, height: info.height, probabilities };
}
