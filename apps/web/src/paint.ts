import { mapColour } from '@forgelens/imaging/pixels';
import type { Size } from './view.ts';

/** Values in [0, 1], [H·W] row-major, over a whole picture; it may have fewer cells than the picture has pixels. */
export interface FloatMap extends Size {
  readonly values: Float32Array;
}

/** The part of a picture that a canvas shows: its top left corner in pixels of the picture, and pixels of the canvas for one. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly scale: number;
}

export interface MapStyle {
  /** How much of the map's colours there is, in [0, 1]. */
  readonly opacity: number;
  /** Whether low values let the picture through. */
  readonly weighted: boolean;
  /** A line goes around what is above it; null for none. */
  readonly threshold: number | null;
  /** How wide the line is, in pixels of the canvas. */
  readonly lineWidth: number;
}

/** RGBA, not premultiplied, as ImageData has it. */
export interface Raster extends Size {
  readonly data: Uint8ClampedArray;
}

const levels = 256;
const colours = Array.from({ length: levels }, (_, level) => mapColour(level / (levels - 1)));
const [outside, below, above] = [0, 1, 2];

/**
 * Paints a map as far as it is seen, one value for each pixel of the canvas: the time it takes depends on the canvas and
 * not on the picture. Cells are not smoothed. Around what is above the threshold goes a white line with a black edge.
 */
export function paintMap(raster: Raster, map: FloatMap, picture: Size, window: Window, style: MapStyle): void {
  const { width, height, data } = raster;
  const { opacity, weighted, threshold, lineWidth } = style;
  const columns = cellsAlong(width, window.left, window.scale, picture.width, map.width);
  const rows = cellsAlong(height, window.top, window.scale, picture.height, map.height);
  const sides = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const row = rows[y]!;
    for (let x = 0; x < width; x++, i++) {
      const column = columns[x]!;
      if (row < 0 || column < 0) {
        data[4 * i + 3] = 0;
        continue;
      }
      const value = map.values[row * map.width + column]!;
      const colour = colours[Math.round(value * (levels - 1))]!;
      data[4 * i] = colour[0];
      data[4 * i + 1] = colour[1];
      data[4 * i + 2] = colour[2];
      data[4 * i + 3] = 255 * opacity * (weighted ? value : 1);
      sides[i] = threshold !== null && value > threshold ? above : below;
    }
  }
  if (threshold !== null) paintOutline(raster, sides, lineWidth);
}

function paintOutline({ width, height, data }: Raster, sides: Uint8Array, lineWidth: number): void {
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const side = sides[i]!;
      if (side === outside) continue;
      const isEdge =
        (x >= lineWidth && differs(side, sides[i - lineWidth]!)) ||
        (x < width - lineWidth && differs(side, sides[i + lineWidth]!)) ||
        (y >= lineWidth && differs(side, sides[i - lineWidth * width]!)) ||
        (y < height - lineWidth && differs(side, sides[i + lineWidth * width]!));
      if (!isEdge) continue;
      data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = side === above ? 255 : 0;
      data[4 * i + 3] = 255;
    }
}

const differs = (a: number, b: number): boolean => b !== outside && a !== b;

/** The cell of the map at each pixel of the canvas along one axis; −1 beside the picture. */
function cellsAlong(length: number, start: number, scale: number, extent: number, cells: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => {
    const at = start + (i + 0.5) / scale;
    return at < 0 || at >= extent ? -1 : Math.min(cells - 1, Math.floor((at * cells) / extent));
  });
}

/** How many values are above any threshold, without counting them again. */
export function countAbove({ values }: FloatMap): (threshold: number) => number {
  const most = 65_535;
  /** How many values are at this level or above. */
  const atLeast = new Uint32Array(most + 2);
  for (const value of values) atLeast[Math.round(value * most)]!++;
  for (let level = most - 1; level >= 0; level--) atLeast[level]! += atLeast[level + 1]!;
  // Levels are what a 16-bit map has, so this is exact for it.
  return threshold => atLeast[Math.floor(threshold * most) + 1]!;
}
