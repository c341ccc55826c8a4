import { readFile } from 'node:fs/promises';

import { DataError } from '@forgelens/autograd';

import { decodeImage, decodeMask, imageSize, type DecodedImage } from './codec.ts';
import type { Mask } from './image.ts';

/** Decodes the picture of a file; see `decodeImage`. @throws {DataError} when the file is missing or not a picture. */
export const readImage = async (path: string): Promise<DecodedImage> => decodeImage(await readBytes(path), path);

/** Decodes the mask of a file; see `decodeMask`. @throws {DataError} when the file is missing or not a picture. */
export const readMask = async (path: string, options: { threshold?: number } = {}): Promise<Mask> =>
  decodeMask(await readBytes(path), path, options);

/** The size of the picture of a file; see `imageSize`. @throws {DataError} when the file is missing or not a picture. */
export const readImageSize = async (path: string): ReturnType<typeof imageSize> =>
  imageSize(await readBytes(path), path);

const readBytes = (path: string): Promise<Uint8Array> =>
  readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(path, error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.code})`, {
      cause: error,
    });
  });
