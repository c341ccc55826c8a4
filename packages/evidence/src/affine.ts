import type { Point } from './evidence.ts';
import type { Plane } from './planes.ts';

/** From a place to a place: x' = a·x + b·y + e, y' = c·x + d·y + f. */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const mapPoint = ({ a, b, c, d, e, f }: Affine, x: number, y: number): Point => ({
  x: a * x + b * y + e,
  y: c * x + d * y + f,
});

/** What a map does beside moving. */
export interface Parts {
  /** In radians, clockwise; after mirroring left to right where it mirrors. */
  readonly turn: number;
  readonly scale: number;
  readonly mirrored: boolean;
  /** 0 where circles stay circles, towards 1 the flatter they become. */
  readonly stretch: number;
}

export function partsOf({ a, b, c, d }: Affine): Parts {
  const determinant = a * d - b * c;
  const mirrored = determinant < 0;
  // The sum and the difference of the singular values, in one order or the other.
  const [p, q] = [Math.hypot(a + d, b - c), Math.hypot(a - d, b + c)];
  return {
    turn: mirrored ? Math.atan2(-c, -a) : Math.atan2(c, a),
    scale: Math.sqrt(Math.abs(determinant)),
    mirrored,
    stretch: Math.min(p, q) / Math.max(p, q),
  };
}

/** The correlation of `members` (row-major places) with where `map` takes them, between pixels linearly; 0 where that is outside. */
export function correlate({ width, height, data }: Plane, members: readonly number[], map: Affine): number {
  let [n, sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0, 0];
  for (const i of members) {
    const [px, py] = [i % width, Math.floor(i / width)];
    const [x, y] = [map.a * px + map.b * py + map.e, map.c * px + map.d * py + map.f];
    const [u, v] = [Math.floor(x), Math.floor(y)];
    if (u < 0 || v < 0 || u >= width - 1 || v >= height - 1) continue;
    const [fx, fy, j] = [x - u, y - v, v * width + u];
    const p = data[i]!;
    const q =
      (1 - fy) * ((1 - fx) * data[j]! + fx * data[j + 1]!) +
      fy * ((1 - fx) * data[j + width]! + fx * data[j + width + 1]!);
    n++;
    sa += p;
    sb += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  const variances = (aa - (sa * sa) / n) * (bb - (sb * sb) / n);
  return n < members.length / 2 || variances <= 0 ? 0 : (ab - (sa * sb) / n) / Math.sqrt(variances);
}

/**
 * How well `members` of a plane agree with where `map` takes them, shade and contrast included: 1 less the squared difference,
 * relative to the squares of the `fine` structure of both. 1 for a perfect copy; lookalikes, whose light differs, are often below 0.
 */
export function agreement(plane: Plane, fine: Plane, members: readonly number[], map: Affine): number {
  const { width, height } = plane;
  let [difference, structure] = [0, 0];
  for (const i of members) {
    const [px, py] = [i % width, Math.floor(i / width)];
    const [x, y] = [map.a * px + map.b * py + map.e, map.c * px + map.d * py + map.f];
    const [u, v] = [Math.floor(x), Math.floor(y)];
    if (u < 0 || v < 0 || u >= width - 1 || v >= height - 1) continue;
    const [fx, fy, j] = [x - u, y - v, v * width + u];
    const between = ({ data }: Plane) =>
      (1 - fy) * ((1 - fx) * data[j]! + fx * data[j + 1]!) +
      fy * ((1 - fx) * data[j + width]! + fx * data[j + width + 1]!);
    difference += (plane.data[i]! - between(plane)) ** 2;
    structure += fine.data[i]! ** 2 + between(fine) ** 2;
  }
  return structure === 0 ? 0 : 1 - difference / structure;
}

const iterations = 12;

/**
 * The map near `start` that lays `members` over what looks like them the most, by least squares; null when there is none.
 *
 * Lucas and Kanade 1981, "An Iterative Image Registration Technique with an Application to Stereo Vision", with affine maps.
 */
export function register({ width, height, data }: Plane, members: readonly number[], start: Affine): Affine | null {
  let [mx, my] = [0, 0];
  for (const i of members) {
    mx += (i % width) / members.length;
    my += Math.floor(i / width) / members.length;
  }
  let radius = 1;
  for (const i of members) radius = Math.max(radius, Math.abs((i % width) - mx), Math.abs(Math.floor(i / width) - my));
  let map = start;
  const row = new Float64Array(6);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const matrix = new Float64Array(36);
    const right = new Float64Array(6);
    for (const i of members) {
      const [px, py] = [i % width, Math.floor(i / width)];
      const [x, y] = [map.a * px + map.b * py + map.e, map.c * px + map.d * py + map.f];
      const [u, v] = [Math.floor(x), Math.floor(y)];
      if (u < 0 || v < 0 || u >= width - 1 || v >= height - 1) continue;
      const [fx, fy, j] = [x - u, y - v, v * width + u];
      const [p, q, r, s] = [data[j]!, data[j + 1]!, data[j + width]!, data[j + width + 1]!];
      const slopeX = (1 - fy) * (q - p) + fy * (s - r);
      const slopeY = (1 - fx) * (r - p) + fx * (s - q);
      const error = data[i]! - (p + fx * (q - p) + fy * (r - p) + fx * fy * (p - q - r + s));
      const [dx, dy] = [(px - mx) / radius, (py - my) / radius];
      row[0] = slopeX * dx;
      row[1] = slopeX * dy;
      row[2] = slopeX;
      row[3] = slopeY * dx;
      row[4] = slopeY * dy;
      row[5] = slopeY;
      for (let k = 0; k < 6; k++) {
        right[k]! += row[k]! * error;
        for (let l = k; l < 6; l++) matrix[6 * k + l]! += row[k]! * row[l]!;
      }
    }
    const step = solve(matrix, right);
    if (step === null) return null;
    const [a, b, e, c, d, f] = step as unknown as [number, number, number, number, number, number];
    const largest = Math.max(...step.map(Math.abs));
    if (!(largest < 8)) return null;
    map = {
      a: map.a + a / radius,
      b: map.b + b / radius,
      e: map.e + e - (a * mx + b * my) / radius,
      c: map.c + c / radius,
      d: map.d + d / radius,
      f: map.f + f - (c * mx + d * my) / radius,
    };
    if (largest < 0.02) break;
  }
  return map;
}

/** x of the symmetric system matrix · x = right, whose upper half is given, by Cholesky's factors; null when it is singular. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array | null {
  const n = right.length;
  for (let k = 0; k < n; k++) {
    for (let j = k; j < n; j++) {
      let sum = matrix[n * k + j]!;
      for (let m = 0; m < k; m++) sum -= matrix[n * m + k]! * matrix[n * m + j]!;
      if (j === k) {
        if (sum <= 1e-9) return null;
        matrix[n * k + k] = Math.sqrt(sum);
      } else matrix[n * k + j] = sum / matrix[n * k + k]!;
    }
    let sum = right[k]!;
    for (let m = 0; m < k; m++) sum -= matrix[n * m + k]! * right[m]!;
    right[k] = sum / matrix[n * k + k]!;
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let m = k + 1; m < n; m++) right[k]! -= matrix[n * k + m]! * right[m]!;
    right[k]! /= matrix[n * k + k]!;
  }
  return right;
}
