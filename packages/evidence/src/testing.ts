/** Made-up pictures and files for this room's tests. */
import { Random } from '@forgelens/autograd';
import { decodeImage } from '@forgelens/imaging';
import { filledImage, gaussianBlur, gaussianNoise, type Image } from '@forgelens/imaging/pixels';
import { parseJpeg } from './jpeg-file.ts';
import { codecTools } from './tools.ts';
import type { Subject } from './subject.ts';

/** Grey and coloured blobs with fine noise, as of a rough wall: nothing repeats. */
export function texture(width: number, height: number, seed: number, noise = 2): Image {
  const random = new Random(seed);
  const blobs = gaussianBlur(gaussianNoise(filledImage(width, height, [128, 120, 110]), 100, random), 1.5);
  return gaussianNoise(blobs, noise, random);
}

/** `image` with `patch` laid over it, its top left corner at (left, top). */
export function paste(image: Image, patch: Image, left: number, top: number): Image {
  const data = Uint8Array.from(image.data);
  for (let y = 0; y < patch.height; y++)
    data.set(patch.data.subarray(3 * y * patch.width, 3 * (y + 1) * patch.width), 3 * ((top + y) * image.width + left));
  return { width: image.width, height: image.height, data };
}

/** Pixels as a subject: of no file, or of the file they were decoded from. */
export const subjectOf = (image: Image, bytes: Uint8Array = new Uint8Array(), format = 'png'): Subject => ({
  path: 'test.jpg',
  bytes,
  format,
  image,
  jpeg: parseJpeg(bytes),
  tools: codecTools,
});

/** A file as `examine` takes it. */
export const pictureOf = async (bytes: Uint8Array, path = 'test.jpg') => ({
  path,
  bytes,
  image: await decodeImage(bytes, path),
});

interface ExifContent {
  readonly orientation?: number;
  readonly software?: string;
  readonly changed?: string;
  readonly taken?: string;
  /** An encoded JPEG. */
  readonly thumbnail?: Uint8Array;
}

/** A JPEG with an EXIF segment: TIFF 6.0 (1992), little endian, with an Exif IFD for the date and IFD 1 for the thumbnail. */
export function withExif(
  jpeg: Uint8Array,
  { orientation, software, changed, taken, thumbnail }: ExifContent,
): Uint8Array {
  const bytes: number[] = [0x49, 0x49, 42, 0, 8, 0, 0, 0];
  const short = (n: number) => [n & 255, n >> 8];
  const long = (n: number) => [...short(n & 65535), ...short(n >>> 16)];
  type Entry = readonly [tag: number, type: number, value: number | string];
  /** Writes a directory at the end; `links` are added to what stands there: where the next directory is. */
  const directory = (entries: readonly Entry[], next: (end: number) => number) => {
    const end = bytes.length + 2 + 12 * entries.length + 4;
    const tail: number[] = [];
    bytes.push(...short(entries.length));
    for (const [tag, type, value] of entries) {
      bytes.push(...short(tag), ...short(type));
      if (typeof value === 'number') bytes.push(...long(1), ...long(value));
      else {
        const text = [...value].map(letter => letter.charCodeAt(0)).concat(0);
        // Four bytes or fewer stand in the entry itself; none of ours are so short.
        bytes.push(...long(text.length), ...long(end + tail.length));
        tail.push(...text);
      }
    }
    bytes.push(...long(next(end + tail.length)), ...tail);
  };
  const main: Entry[] = [];
  if (orientation !== undefined) main.push([0x0112, 3, orientation]);
  if (software !== undefined) main.push([0x0131, 2, software]);
  if (changed !== undefined) main.push([0x0132, 2, changed]);
  const pointer = taken === undefined ? 0 : 1;
  // The Exif IFD follows the first one, and IFD 1 follows that.
  const textLength = [software, changed].reduce((sum, text) => sum + (text === undefined ? 0 : text.length + 1), 0);
  const exifAt = 8 + 2 + 12 * (main.length + pointer) + 4 + textLength;
  const exifLength = taken === undefined ? 0 : 2 + 12 + 4 + taken.length + 1;
  if (taken !== undefined) main.push([0x8769, 4, exifAt]);
  directory(main, () => (thumbnail === undefined ? 0 : exifAt + exifLength));
  if (taken !== undefined) directory([[0x9003, 2, taken]], () => 0);
  if (thumbnail !== undefined) {
    const at = bytes.length + 2 + 36 + 4;
    directory(
      [
        [0x0103, 3, 6],
        [0x0201, 4, at],
        [0x0202, 4, thumbnail.length],
      ],
      () => 0,
    );
    bytes.push(...thumbnail);
  }
  const payload = [0x45, 0x78, 0x69, 0x66, 0, 0, ...bytes];
  const length = payload.length + 2;
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, length >> 8, length & 255, ...payload, ...jpeg.subarray(2)]);
}
