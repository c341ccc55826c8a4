import { ShapeError } from '@forgelens/autograd';

/** The widths of a border band: the sides of the squares, in pixels and odd, that shrink and grow the truth. */
export interface BorderBand {
  readonly erodeSize: number;
  readonly dilateSize: number;
}

/**
 * The pixels that are scored where a band along the border of the truth is not: those within the truth shrunk by a
 * square of `erodeSize`, and those outside the truth grown by a square of `dilateSize`. The image's own border does not
 * shrink the truth.
 *
 * @param mask - [H·W], 0 authentic, anything else tampered
 * @returns [H·W], 1 scored, 0 not
 * @throws {ShapeError} when the mask does not have width × height pixels
 */
export function validOutsideBand(
  mask: ArrayLike<number>,
  width: number,
  height: number,
  { erodeSize, dilateSize }: BorderBand,
): Uint8Array {
  if (mask.length !== width * height)
    throw new ShapeError('validOutsideBand', `the mask has ${mask.length} pixels but ${width}×${height} are needed`);
  const tampered = Uint8Array.from({ length: mask.length }, (_, i) => (mask[i] ? 1 : 0));
  const authentic = tampered.map(value => 1 - value);
  // Shrinking the truth is growing what is outside of it.
  const nearAuthentic = dilate(authentic, width, height, erodeSize);
  const nearTampered = dilate(tampered, width, height, dilateSize);
  return tampered.map((value, i) => (value ? 1 - nearAuthentic[i]! : 1 - nearTampered[i]!));
}

/** 1 where a pixel of the square around is 1. Rows, then columns. */
function dilate(mask: Uint8Array, width: number, height: number, size: number): Uint8Array {
  const radius = (size - 1) / 2;
  const rows = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) dilateLine(mask, rows, y * width, 1, width, radius);
  const out = new Uint8Array(mask.length);
  for (let x = 0; x < width; x++) dilateLine(rows, out, x, width, height, radius);
  return out;
}

/** Along one line: the pixels that are within `radius` of the last 1 seen, forwards and backwards. */
function dilateLine(from: Uint8Array, to: Uint8Array, start: number, step: number, length: number, radius: number) {
  let last = -Infinity;
  for (let i = 0; i < length; i++) {
    if (from[start + i * step]) last = i;
    if (i - last <= radius) to[start + i * step] = 1;
  }
  last = Infinity;
  for (let i = length - 1; i >= 0; i--) {
    if (from[start + i * step]) last = i;
    if (last - i <= radius) to[start + i * step] = 1;
  }
}
