import type { Image } from '@forgelens/imaging';

/**
 * Tiles: a large image is looked at in equal overlapping squares, whose maps are blended. Offsets are multiples of 8, so
 * that every tile sees the JPEG grid where the whole image has it.
 */

/** Side of a tile, and how far neighbours overlap at least, in pixels. */
export const tileSize = 768;
export const tileOverlap = 128;

/** An image of more pixels takes so much memory by itself that its tiles are smaller: 100 megapixels fit into 1.5 GB. */
export const hugePixels = 2 ** 26;
export const hugeTileSize = 512;

/** The side of the tiles of an image, where memory allows `most`. */
export const tileSizeFor = ({ width, height }: Pick<Image, 'width' | 'height'>, most: number): number =>
  width * height > hugePixels ? Math.min(most, hugeTileSize) : most;

/** Sides that tiles may have where memory is short, largest first. */
export const tileSizes = [tileSize, 512, 384, 256] as const;

/** Where the tiles of one axis begin: equally far apart but for rounding, the last one ending at or after the axis' end. */
export function tileOffsets(extent: number, size: number = tileSize, overlap = tileOverlap): readonly number[] {
  if (extent <= size) return [0];
  const last = Math.ceil((extent - size) / 8) * 8;
  const count = Math.ceil(last / (size - overlap));
  return Array.from({ length: count + 1 }, (_, i) => Math.round(((i / count) * last) / 8) * 8);
}

/**
 * How much each pixel of a tile counts, along one axis: 1 within, falling linearly to the sides that have a neighbour.
 */
export function tileRamp(
  size: number,
  overlap: number,
  neighbours: { readonly before: boolean; readonly after: boolean },
): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const fromStart = neighbours.before ? (i + 0.5) / overlap : 1;
    const fromEnd = neighbours.after ? (size - i - 0.5) / overlap : 1;
    return Math.min(1, fromStart, fromEnd);
  });
}

/** A tile along one axis: where it begins, and how much each of its pixels that lie on the axis counts in the blend. */
export interface TileSpan {
  readonly start: number;
  readonly shares: Float32Array;
}

/** The tiles of one axis. At each pixel, the shares of all tiles that see it sum to 1. */
export function tileSpans(extent: number, size: number = tileSize): readonly TileSpan[] {
  const offsets = tileOffsets(extent, size);
  const sums = new Float32Array(extent);
  const ramps = offsets.map((start, i) => {
    const ramp = tileRamp(size, tileOverlap, { before: i > 0, after: i < offsets.length - 1 });
    const onAxis = ramp.subarray(0, extent - start);
    for (const [x, share] of onAxis.entries()) sums[start + x]! += share;
    return onAxis;
  });
  return offsets.map((start, i) => ({ start, shares: ramps[i]!.map((share, x) => share / sums[start + x]!) }));
}
