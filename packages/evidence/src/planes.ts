import type { Image } from '@forgelens/imaging/pixels';

/** One number a pixel, row-major. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Luma as in JPEG, 0.299 R + 0.587 G + 0.114 B, in 0–255 (ITU-T T.871, 2011). */
export function luma({ width, height, data }: Image): Plane {
  const plane = new Float32Array(width * height);
  for (let i = 0, j = 0; i < plane.length; i++, j += 3)
    plane[i] = 0.299 * data[j]! + 0.587 * data[j + 1]! + 0.114 * data[j + 2]!;
  return { width, height, data: plane };
}

/** Means over squares of `side` px, without overlap; at the right and lower border over what is left of them. */
export function meanCells({ width, height, data }: Plane, side: number): Plane {
  if (side === 1) return { width, height, data };
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const sums = new Float32Array(columns * rows);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / side) * columns;
    for (let x = 0; x < width; x++) sums[row + Math.floor(x / side)]! += data[y * width + x]!;
  }
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      sums[row * columns + column]! /= Math.min(side, width - column * side) * Math.min(side, height - row * side);
  return { width: columns, height: rows, data: sums };
}

/** The side of square cells, in px, that leaves a map of at most 2²⁰ cells. */
export function cellSide({ width, height }: { readonly width: number; readonly height: number }): number {
  let side = 1;
  while (Math.ceil(width / side) * Math.ceil(height / side) > 2 ** 20) side++;
  return side;
}

/** The middle number; sorts in place. */
export const median = (values: Float32Array): number => values.sort()[values.length >> 1]!;
