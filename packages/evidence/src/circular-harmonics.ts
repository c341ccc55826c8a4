import type { Plane } from './planes.ts';

/** The standard deviation of the window, in px: what is within about 8 px of a pixel describes it. */
const sigma = 3;
const radius = 8;
/** Angular and radial order (n, k) of each harmonic; n + 2k is at most 5. */
const orders = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [2, 0],
  [2, 1],
  [3, 0],
  [3, 1],
  [4, 0],
  [5, 0],
] as const;
const highest = 5;

/** Numbers that describe the surroundings of each pixel. */
export interface Features {
  readonly width: number;
  readonly height: number;
  /** Numbers a pixel. */
  readonly count: number;
  /** [height, width, count], each with a standard deviation of 1 over the picture. */
  readonly data: Float32Array;
  /** The standard deviation, about, of the levels around each pixel, 0–255: where there is none, nothing can be matched. */
  readonly contrast: Float32Array;
}

/**
 * What surrounds each pixel, told so that turning and mirroring do not change it: the magnitudes of 12 Laguerre–Gauss
 * circular harmonics Σ f · rⁿ · Lₖⁿ(r² / 2σ²) · e^(i·n·φ) · e^(−r² / 2σ²). Each is a sum of products of a function of x and one
 * of y, so that all of them cost 27 filters along a line. At the border the picture repeats its last pixel.
 *
 * Jacovitti and Neri 2000, "Multiresolution circular harmonic decomposition", https://doi.org/10.1109/78.875481
 */
export function circularHarmonics({ width, height, data }: Plane): Features {
  const taps = (p: number) =>
    Float32Array.from({ length: 2 * radius + 1 }, (_, i) => {
      const x = (i - radius) / sigma;
      return x ** p * Math.exp((-x * x) / 2);
    });
  const count = orders.length;
  const real = orders.map(() => new Float32Array(width * height));
  const imaginary = orders.map(() => new Float32Array(width * height));
  for (let p = 0; p <= highest; p++) {
    const across = filterRows(data, width, height, taps(p));
    for (let q = 0; p + q <= highest; q++) {
      const moment = filterColumns(across, width, height, taps(q));
      for (const [o, [n, k]] of orders.entries()) {
        const [re, im] = coefficient(n, k, p, q);
        if (re !== 0) addScaled(real[o]!, moment, re);
        if (im !== 0) addScaled(imaginary[o]!, moment, im);
      }
    }
  }
  const features = new Float32Array(width * height * count);
  const contrast = new Float32Array(width * height);
  const weight = 2 * Math.PI * sigma * sigma;
  for (let o = 0; o < count; o++) {
    const [re, im] = [real[o]!, imaginary[o]!];
    const [n, k] = orders[o]!;
    // ∫ of the squared harmonic against the window is (n + k)! / k! · 2ⁿ, relative to that of order (0, 0).
    const norm = (factorial(n + k) / factorial(k)) * 2 ** n;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < re.length; i++) {
      const magnitude = n === 0 ? re[i]! : Math.hypot(re[i]!, im[i]!);
      if (o > 0) contrast[i]! += ((n === 0 ? 1 : 2) * magnitude * magnitude) / (norm * weight * weight);
      features[i * count + o] = magnitude;
      sum += magnitude;
      squares += magnitude * magnitude;
    }
    const scale = 1 / (Math.sqrt(Math.max(0, squares / re.length - (sum / re.length) ** 2)) || 1);
    for (let i = o; i < features.length; i += count) features[i]! *= scale;
  }
  return { width, height, count, data: features, contrast: contrast.map(Math.sqrt) };
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
const binomial = (n: number, k: number): number => factorial(n) / (factorial(k) * factorial(n - k));

/** What stands before xᵖ·y^q in (x + i·y)ⁿ · Lₖⁿ((x² + y²) / 2), with x and y in standard deviations. */
function coefficient(n: number, k: number, p: number, q: number): [number, number] {
  const radial = (p + q - n) / 2; // the power of r² that this term comes from
  if (radial < 0 || radial > k || !Number.isInteger(radial)) return [0, 0];
  const laguerre = ((-1) ** radial * binomial(n + k, k - radial)) / (factorial(radial) * 2 ** radial);
  let [re, im] = [0, 0];
  // r^(2·radial) gives x^(2a) · y^(2·(radial − a)); the rest comes from (x + i·y)ⁿ.
  for (let a = 0; a <= radial; a++) {
    const power = q - 2 * (radial - a); // of i·y
    if (power < 0 || power > n) continue;
    const value = laguerre * binomial(radial, a) * binomial(n, power) * (power & 2 ? -1 : 1);
    if (power & 1) im += value;
    else re += value;
  }
  return [re, im];
}

function addScaled(to: Float32Array, from: Float32Array, scale: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += scale * from[i]!;
}

function filterRows(data: Float32Array, width: number, height: number, taps: Float32Array): Float32Array {
  const out = new Float32Array(data.length);
  const padded = new Float32Array(width + 2 * radius);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    padded.fill(row[0]!, 0, radius);
    padded.set(row, radius);
    padded.fill(row[width - 1]!, radius + width);
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let t = 0; t < taps.length; t++) sum += taps[t]! * padded[x + t]!;
      out[y * width + x] = sum;
    }
  }
  return out;
}

function filterColumns(data: Float32Array, width: number, height: number, taps: Float32Array): Float32Array {
  const out = new Float32Array(data.length);
  const row = (y: number) => {
    const from = Math.min(height - 1, Math.max(0, y)) * width;
    return data.subarray(from, from + width);
  };
  for (let y = 0; y < height; y++) {
    const sums = out.subarray(y * width, (y + 1) * width);
    const middle = row(y);
    for (let x = 0; x < width; x++) sums[x] = taps[radius]! * middle[x]!;
    // Two rows above and two below at a time: what is added up is read and written half as often.
    for (let t = 1; t <= radius; t += 2) {
      const [a, b, c, d] = [row(y - t), row(y + t), row(y - t - 1), row(y + t + 1)];
      const [above, below] = [taps[radius - t]!, taps[radius + t]!];
      const [farAbove, farBelow] = [taps[radius - t - 1]!, taps[radius + t + 1]!];
      for (let x = 0; x < width; x++) sums[x]! += above * a[x]! + below * b[x]! + farAbove * c[x]! + farBelow * d[x]!;
    }
  }
  return out;
}
