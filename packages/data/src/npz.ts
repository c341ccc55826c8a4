import { inflateRawSync } from 'node:zlib';

import { DataError, readNpy } from '@forgelens/autograd';
import type { Image } from '@forgelens/imaging';

/**
 * The first array of a `.npz`, as `numpy.savez` or `numpy.savez_compressed` writes it, as a picture: white where the
 * array is above 0. Axes of extent 1 are dropped; two must be left, height and width.
 *
 * @param path - names the file in errors
 * @throws {DataError} when the bytes are no such archive, or the array has other axes.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function decodeNpz(bytes: Uint8Array, path: string): Image {
  const { data, shape } = readNpy(firstFile(bytes, path), path);
  const [height, width, ...others] = shape.filter(extent => extent !== 1);
  if (height === undefined || width === undefined || others.length > 0)
    throw new DataError(path, `holds an array of shape [${shape}]; a mask must be [height, width]`);
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) if (data[i]! > 0) pixels.fill(255, 3 * i, 3 * i + 3);
  return { width, height, data: pixels };
}

/** The first file of a zip archive, found by its central directory, where sizes are always right. */
function firstFile(bytes: Uint8Array, path: string): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    let end = bytes.length - 22;
    while (view.getUint32(end, true) !== 0x06054b50) end--;
    const entry = view.getUint32(end + 16, true);
    const [method, size, header] = [
      view.getUint16(entry + 10, true),
      view.getUint32(entry + 20, true),
      view.getUint32(entry + 42, true),
    ];
    const begin = header + 30 + view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
    const stored = bytes.subarray(begin, begin + size);
    return method === 0 ? stored : inflateRawSync(stored);
  } catch (error) {
    throw new DataError(path, 'is no readable .npz archive, or is cut off; copy it again', { cause: error });
  }
}
