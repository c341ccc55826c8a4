/** The tools of `examine`, in Node and in a browser alike. */
import { decodeImage, jpegRecompress } from '@forgelens/imaging';
import { loadCredentialsReader } from './credentials-reader.ts';
import type { Tools } from './subject.ts';

/** What `examine` needs beside arithmetic: the codecs of imaging, and C2PA credentials where the optional reader is installed. */
export const codecTools: Tools = {
  recompress: (image, quality) => jpegRecompress(image, quality),
  decode: (bytes, path) => decodeImage(bytes, path, { maxPixels: 2 ** 24 }),
  loadCredentialsReader,
};
