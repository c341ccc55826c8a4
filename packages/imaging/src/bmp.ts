import { DataError } from '@forgelens/autograd';

import type { Image } from './image.ts';

/** Whether bytes begin as a Windows bitmap does. */
export const isBmp = (bytes: Uint8Array): boolean => bytes[0] === 0x42 && bytes[1] === 0x4d;

/**
 * Pixels of an uncompressed Windows bitmap of 8 (with a palette), 24 or 32 bits a pixel, the last without its fourth
 * byte. libvips does not read bitmaps, and data sets have some.
 *
 * @param path - the file's name for error messages
 * @throws {DataError} when it is of another kind, has more than `maxPixels`, or is cut off.
 * @see https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
 */
export function decodeBmp(bytes: Uint8Array, path: string, maxPixels: number): Image {
  const fail = (problem: string): DataError => new DataError(path, `not a readable image (${problem})`);
  if (bytes.length < 54) throw fail(`a bitmap of ${bytes.length} bytes; its headers take 54`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [pixels, header] = [view.getUint32(10, true), view.getUint32(14, true)];
  const [width, signedHeight] = [view.getInt32(18, true), view.getInt32(22, true)];
  const [bits, compression] = [view.getUint16(28, true), view.getUint32(30, true)];
  // Rows go from the bottom to the top unless the height is negative.
  const height = Math.abs(signedHeight);
  if (header < 40 || width <= 0 || height === 0)
    throw fail(`a bitmap of ${width}×${signedHeight} with a header of ${header} bytes`);
  if (compression !== 0 || ![8, 24, 32].includes(bits))
    throw fail(`a bitmap of ${bits} bits a pixel with compression ${compression}; only 8, 24 and 32 without are read`);
  if (width * height > maxPixels)
    throw new DataError(
      path,
      `${width}×${height} is ${width * height} pixels but at most ${maxPixels} are decoded; scale the picture down or raise the limit`,
    );
  const step = bits / 8;
  // Each row takes a multiple of four bytes.
  const stride = Math.ceil((width * step) / 4) * 4;
  if (pixels + stride * (height - 1) + width * step > bytes.length)
    throw fail(
      `a bitmap that is cut off: ${width}×${height} takes ${pixels + stride * height} bytes, but ${bytes.length} are there`,
    );
  const data = new Uint8Array(3 * width * height);
  const palette = 14 + header;
  for (let y = 0, to = 0; y < height; y++) {
    const row = pixels + stride * (signedHeight > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++, to += 3) {
      const at = bits === 8 ? palette + 4 * bytes[row + x]! : row + x * step;
      data[to] = bytes[at + 2] ?? 0;
      data[to + 1] = bytes[at + 1] ?? 0;
      data[to + 2] = bytes[at] ?? 0;
    }
  }
  return { width, height, data };
}
