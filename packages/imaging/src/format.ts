import { DataError } from '@forgelens/autograd';

/** How the files begin that are read through libvips; `?` is any byte. */
const readable: readonly string[] = [
  '\xff\xd8\xff', // JPEG
  '\x89PNG\r\n\x1a\n',
  'RIFF????WEBP',
  ...['II\x2a\0', 'MM\0\x2a', 'II\x2b\0', 'MM\0\x2b'], // TIFF and BigTIFF
  'GIF8',
  '????ftyp', // HEIF and AVIF
];

// cspell:ignore ftyp viewbox
/** What people take for pictures, and programs read that are asked to read anything. */
const foreign: readonly (readonly [name: string, ...beginnings: string[]])[] = [
  ['an SVG drawing or other XML', '<?xml', '<!--', '<!DOCTYPE', '<!doctype', '<svg'],
  ['a PDF', '%PDF'],
  ['PostScript', '%!PS', '\xc5\xd0\xd3\xc6'],
  ['a Photoshop file', '8BPS'],
  ['JPEG 2000', '\0\0\0\x0cjP', '\xff\x4f\xff\x51'],
  ['JPEG XL', '\0\0\0\x0cJXL', '\xff\x0a'],
  ['a drawing of ImageMagick', 'push graphic-context', 'viewbox'],
];

const beginsWith = (text: string, beginning: string): boolean =>
  Array.from(beginning).every((byte, i) => byte === '?' || byte === text[i]) && text.length >= beginning.length;

/**
 * Lets pass what begins as a format that is read. libvips would look for itself, and read whatever it was built for: with
 * sharp, the head of an SVG before it is refused. Now it is not given it. (sharp can block loaders, too, but for the whole
 * process, which may be somebody else's program that draws SVG.)
 *
 * @throws {DataError} when it is something else
 */
export function refuseForeign(bytes: Uint8Array, path: string): void {
  const text = String.fromCharCode(...bytes.subarray(0, 256));
  if (readable.some(beginning => beginsWith(text, beginning))) return;
  // Text may begin with a mark of its encoding, or with nothing to see.
  const trimmed = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  const isOf = ([, ...beginnings]: (typeof foreign)[number]) =>
    beginnings.some(beginning => beginsWith(text, beginning) || beginsWith(trimmed, beginning));
  const [name] = foreign.find(isOf) ?? [];
  throw new DataError(
    path,
    `not a readable image (${
      name === undefined
        ? 'Input buffer contains unsupported image format'
        : `it is ${name}; give a photograph as JPEG, PNG, WebP, TIFF, GIF, AVIF or BMP`
    })`,
  );
}
