/** The tools of `examine` in Node: sharp for JPEG. */
import { decodeImage, jpegRecompress } from '@forgelens/imaging';
import type { Tools } from './subject.ts';

/** What `examine` needs beside arithmetic, from sharp. */
export const nodeTools: Tools = {
  recompress: (image, quality) => jpegRecompress(image, quality),
  decode: (bytes, path) => decodeImage(bytes, path),
  loadCredentialsReader: () => Promise.resolve(null),
};
