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
  const cells = new CellMeans(width, height, side);
  for (let y = 0; y < height; y++) cells.addRow(y, data.subarray(y * width, (y + 1) * width));
  return cells.means();
}

/** `meanCells` of a picture of which one row is there at a time. */
export class CellMeans {
  private readonly width: number;
  private readonly height: number;
  private readonly side: number;
  private readonly sums: Plane;

  constructor(width: number, height: number, side: number) {
    const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
    [this.width, this.height, this.side] = [width, height, side];
    this.sums = { width: columns, height: rows, data: new Float32Array(columns * rows) };
  }

  addRow(y: number, values: Float32Array): void {
    const { side, sums } = this;
    const row = Math.floor(y / side) * sums.width;
    for (let x = 0; x < values.length; x++) sums.data[row + Math.floor(x / side)]! += values[x]!;
  }

  /** To be asked for once, when all rows were added. */
  means(): Plane {
    const { width, height, side, sums } = this;
    for (let row = 0; row < sums.height; row++)
      for (let column = 0; column < sums.width; column++)
        sums.data[row * sums.width + column]! /=
          Math.min(side, width - column * side) * Math.min(side, height - row * side);
    return sums;
  }
}

/** The side of square cells, in px, that leaves a map of at most 2²⁰ cells. */
export function cellSide({ width, height }: { readonly width: number; readonly height: number }): number {
  let side = 1;
  while (Math.ceil(width / side) * Math.ceil(height / side) > 2 ** 20) side++;
  return side;
}

/** The middle number; sorts in place. */
export const median = (values: Float32Array): number => values.sort()[values.length >> 1]!;
