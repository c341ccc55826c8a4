import { open, readFile } from 'node:fs/promises';

import { DataError } from '@forgelens/autograd';

import { decodeImage, decodeMask, imageSize, type DecodedImage } from './codec.ts';
import type { Mask } from './image.ts';

/** Decodes the picture of a file; see `decodeImage`. @throws {DataError} when the file is missing or not a picture. */
export const readImage = async (path: string): Promise<DecodedImage> => decodeImage(await readBytes(path), path);

/** Decodes the mask of a file; see `decodeMask`. @throws {DataError} when the file is missing or not a picture. */
export const readMask = async (path: string, options: { threshold?: number } = {}): Promise<Mask> =>
  decodeMask(await readBytes(path), path, options);

/** So many bytes of most pictures say how large they are. */
const headBytes = 2 ** 16;

/** The size of the picture of a file; see `imageSize`. @throws {DataError} when the file is missing or not a picture. */
export async function readImageSize(path: string): ReturnType<typeof imageSize> {
  const head = await readHead(path).catch(error => cannotBeRead(path, error));
  // What says it may come later: behind a large profile, or at the end as in some TIFF.
  return imageSize(head, path).catch(async () => imageSize(await readBytes(path), path));
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

const readBytes = (path: string): Promise<Uint8Array> => readFile(path).catch(error => cannotBeRead(path, error));

function cannotBeRead(path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw new DataError(path, code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`, { cause: error });
}
