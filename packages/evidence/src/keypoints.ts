import { blurPlanes } from '@forgelens/imaging/pixels';
import type { Plane } from './planes.ts';

/** The blur of the finest level, in px. */
const finest = 1.2;
/** Levels from one halving of the picture to the next. */
const levels = 3;
const mostOctaves = 3;
const leastOctaveSide = 32;
/** Weaker extrema are noise, in levels of 0–255. */
const leastResponse = 0.3;
/** The largest ratio of the curvatures of an extremum: more is an edge, along which it has no place. */
const mostEdge = 10;
/** The strongest are kept. */
const mostKeypoints = 5000;
/** Samples along a side of the square that describes a keypoint, and their distance in blurs of its level. */
const samples = 16;
const spacing = 0.75;
/** 4 × 4 cells of the square, those in its middle first, since they tell strangers apart the soonest. */
const cellOrder = [5, 6, 9, 10, 1, 2, 4, 7, 8, 11, 13, 14, 0, 3, 12, 15] as const;
const cellPlace = cellOrder.map((_, cell) => cellOrder.indexOf(cell as 0));
const bins = 8;
export const descriptorLength = 16 * bins;

/** A place that is found again when the picture is turned or scaled. */
export interface Keypoint {
  readonly x: number;
  readonly y: number;
  /** In px: the blur of the level in which it is an extremum. */
  readonly size: number;
  /** The direction of most of its gradients, in radians from x towards y. */
  readonly angle: number;
  /** Whether it is darker than what surrounds it. */
  readonly dark: boolean;
  /** `descriptorLength` numbers, of length 1: histograms of gradients in its own frame. */
  readonly descriptor: Float32Array;
}

/**
 * Keypoints and what they look like, whichever way they are turned and whatever their size: extrema of differences of Gaussians.
 *
 * Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", https://doi.org/10.1023/B:VISI.0000029664.99615.94
 * Unlike the paper: the picture is not doubled but blurred less; gradients are taken in a turned and scaled patch.
 */
export function findKeypoints(plane: Plane): Keypoint[] {
  const extrema: Extremum[] = [];
  let first = { ...plane, data: blur(plane, Math.sqrt(finest ** 2 - 0.5 ** 2)) };
  for (let octave = 0; octave < mostOctaves && Math.min(first.width, first.height) >= leastOctaveSide; octave++) {
    const stack: Plane[] = [first];
    for (let s = 1; s < levels + 3; s++) {
      const [before, after] = [finest * 2 ** ((s - 1) / levels), finest * 2 ** (s / levels)];
      stack.push({ ...first, data: blur(stack[s - 1]!, Math.sqrt(after ** 2 - before ** 2)) });
    }
    extrema.push(...findExtrema(stack, 2 ** octave));
    first = halved(stack[levels]!);
  }
  extrema.sort((a, b) => Math.abs(b.response) - Math.abs(a.response));
  return extrema.slice(0, mostKeypoints).flatMap(describe);
}

const blur = ({ width, height, data }: Plane, sigma: number): Float32Array => blurPlanes(data, width, height, 1, sigma);

function halved({ width, height, data }: Plane): Plane {
  const [columns, rows] = [width >> 1, height >> 1];
  const half = new Float32Array(columns * rows);
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) half[y * columns + x] = data[2 * y * width + 2 * x]!;
  return { width: columns, height: rows, data: half };
}

interface Extremum {
  readonly level: Plane;
  /** Px of the picture in a px of the level. */
  readonly step: number;
  /** In px of the level, as is `blur`. */
  readonly x: number;
  readonly y: number;
  readonly blur: number;
  readonly response: number;
}

/** Places of a stack of blurred planes whose difference to the next is above, or below, that of all 26 neighbours. */
function findExtrema(stack: readonly Plane[], step: number): Extremum[] {
  const { width, height } = stack[0]!;
  const differences = stack.slice(1).map(({ data }, s) => data.map((value, i) => value - stack[s]!.data[i]!));
  const around = [-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1];
  const found: Extremum[] = [];
  const margin = 4;
  for (let s = 1; s <= levels; s++) {
    const [below, here, above] = [differences[s - 1]!, differences[s]!, differences[s + 1]!];
    const isExtreme = (i: number, sign: number) => {
      const value = sign * here[i]!;
      for (const d of around) if (sign * here[i + d]! >= value) return false;
      if (sign * below[i]! >= value || sign * above[i]! >= value) return false;
      for (const d of around) if (sign * below[i + d]! >= value || sign * above[i + d]! >= value) return false;
      return true;
    };
    for (let y = margin; y < height - margin; y++)
      for (let x = margin; x < width - margin; x++) {
        const i = y * width + x;
        const response = here[i]!;
        if (Math.abs(response) < leastResponse || !isExtreme(i, Math.sign(response))) continue;
        const xx = here[i + 1]! + here[i - 1]! - 2 * response;
        const yy = here[i + width]! + here[i - width]! - 2 * response;
        const xy = (here[i + width + 1]! - here[i + width - 1]! - here[i - width + 1]! + here[i - width - 1]!) / 4;
        if ((xx + yy) ** 2 * mostEdge >= (mostEdge + 1) ** 2 * (xx * yy - xy * xy)) continue;
        const ss = above[i]! + below[i]! - 2 * response;
        // The top of the parabola through three neighbours; it lies within half a step.
        const top = (before: number, after: number, bend: number) => (before - after) / 2 / bend;
        found.push({
          level: stack[s]!,
          step,
          x: x + top(here[i - 1]!, here[i + 1]!, xx),
          y: y + top(here[i - width]!, here[i + width]!, yy),
          blur: finest * 2 ** ((s + top(below[i]!, above[i]!, ss)) / levels),
          response,
        });
      }
  }
  return found;
}

/** One keypoint for each direction that most gradients of an extremum have. */
function describe(extremum: Extremum): Keypoint[] {
  const { x, y, blur: size, step, response } = extremum;
  return directions(patchAt(extremum, 0)).map(angle => ({
    x: x * step,
    y: y * step,
    size: size * step,
    angle,
    dark: response > 0,
    descriptor: histograms(patchAt(extremum, angle)),
  }));
}

const patchSide = samples + 2;

/** The surroundings of an extremum, turned and scaled: `patchSide` samples along a side, between pixels linearly. */
function patchAt({ level: { width, height, data }, x, y, blur: size }: Extremum, angle: number): Float32Array {
  const patch = new Float32Array(patchSide * patchSide);
  const [cos, sin] = [Math.cos(angle) * spacing * size, Math.sin(angle) * spacing * size];
  for (let row = 0, k = 0; row < patchSide; row++)
    for (let column = 0; column < patchSide; column++, k++) {
      const [u, v] = [column - (patchSide - 1) / 2, row - (patchSide - 1) / 2];
      const px = Math.min(width - 1.001, Math.max(0, x + cos * u - sin * v));
      const py = Math.min(height - 1.001, Math.max(0, y + sin * u + cos * v));
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const [fx, fy, i] = [px - left, py - top, top * width + left];
      const upper = data[i]! + fx * (data[i + 1]! - data[i]!);
      const lower = data[i + width]! + fx * (data[i + width + 1]! - data[i + width]!);
      patch[k] = upper + fy * (lower - upper);
    }
  return patch;
}

/** Peaks of the histogram of gradient directions, of at least 0.8 of the highest. */
function directions(patch: Float32Array): number[] {
  const count = 36;
  let histogram = new Float32Array(count);
  for (let row = 1; row <= samples; row++)
    for (let column = 1; column <= samples; column++) {
      const k = row * patchSide + column;
      const [gx, gy] = [patch[k + 1]! - patch[k - 1]!, patch[k + patchSide]! - patch[k - patchSide]!];
      const [u, v] = [column - (patchSide - 1) / 2, row - (patchSide - 1) / 2];
      const bin = Math.round((Math.atan2(gy, gx) / (2 * Math.PI)) * count);
      histogram[(bin + count) % count]! +=
        Math.hypot(gx, gy) * Math.exp((-(u * u + v * v) * spacing ** 2) / (2 * 1.5 ** 2));
    }
  const at = (bin: number) => histogram[(bin + count) % count]!;
  for (let pass = 0; pass < 2; pass++) histogram = histogram.map((h, bin) => (at(bin - 1) + h + at(bin + 1)) / 3);
  const highest = Math.max(...histogram);
  const peaks: number[] = [];
  for (let bin = 0; bin < count; bin++) {
    const [before, here, after] = [at(bin - 1), at(bin), at(bin + 1)];
    if (here < 0.8 * highest || here <= before || here < after) continue;
    peaks.push(((bin + (before - after) / 2 / (before + after - 2 * here)) / count) * 2 * Math.PI);
  }
  return peaks;
}

/** Gradient directions of a patch in 8 bins for each of 4 × 4 cells, shared linearly between neighbours. */
function histograms(patch: Float32Array): Float32Array {
  const out = new Float32Array(descriptorLength);
  for (let row = 1; row <= samples; row++)
    for (let column = 1; column <= samples; column++) {
      const k = row * patchSide + column;
      const [gx, gy] = [patch[k + 1]! - patch[k - 1]!, patch[k + patchSide]! - patch[k - patchSide]!];
      const [u, v] = [column - (patchSide - 1) / 2, row - (patchSide - 1) / 2];
      const weight = Math.hypot(gx, gy) * Math.exp(-(u * u + v * v) / (2 * (samples / 2) ** 2));
      const bin = ((Math.atan2(gy, gx) / (2 * Math.PI)) * bins + bins) % bins;
      const [cellX, cellY] = [u / 4 + 1.5, v / 4 + 1.5];
      const [left, top, low] = [Math.floor(cellX), Math.floor(cellY), Math.floor(bin)];
      for (let r = Math.max(0, top); r <= Math.min(3, top + 1); r++)
        for (let c = Math.max(0, left); c <= Math.min(3, left + 1); c++) {
          const share = weight * (1 - Math.abs(cellY - r)) * (1 - Math.abs(cellX - c));
          const at = bins * cellPlace[4 * r + c]!;
          out[at + (low % bins)]! += share * (1 - (bin - low));
          out[at + ((low + 1) % bins)]! += share * (bin - low);
        }
    }
  // A few strong gradients, such as of glare, shall not outweigh the rest.
  normalize(out);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(out[i]!, 0.2);
  normalize(out);
  return out;
}

function normalize(values: Float32Array): void {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) || 1;
  for (let i = 0; i < values.length; i++) values[i]! /= length;
}

/** The descriptor of the keypoint's mirror image, top to bottom in its own frame. */
export function mirrorDescriptor(descriptor: Float32Array): Float32Array {
  const out = new Float32Array(descriptorLength);
  for (let r = 0; r < 4; r++)
    for (let c = 0; c < 4; c++)
      for (let bin = 0; bin < bins; bin++)
        out[bins * cellPlace[4 * (3 - r) + c]! + ((bins - bin) % bins)] =
          descriptor[bins * cellPlace[4 * r + c]! + bin]!;
  return out;
}
