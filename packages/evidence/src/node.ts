/** The tools of `examine` in Node: sharp for JPEG, and C2PA credentials where the optional reader is installed. */
import { decodeImage, jpegRecompress } from '@forgelens/imaging';
import { loadCredentialsReader } from './credentials-reader.ts';
import type { Tools } from './subject.ts';

/** What `examine` needs beside arithmetic, from sharp. */
export const nodeTools: Tools = {
  recompress: (image, quality) => jpegRecompress(image, quality),
  decode: (bytes, path) => decodeImage(bytes, path, { maxPixels: 2 ** 24 }),
  loadCredentialsReader,
};
