import type { Image, Mask } from './image.ts';

/** For output position i along one axis: `count` weights at weights[i · count], of the input positions from start[i] on. */
interface Taps {
  readonly start: Int32Array;
  readonly count: number;
  readonly weights: Float32Array;
}

/**
 * Triangle-filter weights along one axis, with half-pixel centres: output i looks at (i + ½) · input / output − ½.
 * The triangle is one input pixel wide, or one output pixel when `antialias` shrinks.
 * At a border the weights outside the picture are dropped and the others scaled to a sum of 1.
 */
function triangleTaps(input: number, output: number, antialias: boolean): Taps {
  const scale = input / output;
  const radius = antialias ? Math.max(1, scale) : 1;
  // As many whole positions as lie between centre − radius and centre + radius, where the triangle is 0.
  const count = Math.min(input, Math.ceil(2 * radius));
  const start = new Int32Array(output);
  const weights = new Float32Array(output * count);
  for (let i = 0; i < output; i++) {
    const centre = (i + 0.5) * scale - 0.5;
    const first = Math.min(Math.max(0, Math.floor(centre - radius) + 1), input - count);
    const weightAt = (position: number) => Math.max(0, 1 - Math.abs(position - centre) / radius);
    let total = 0;
    for (let k = 0; k < count; k++) total += weightAt(first + k);
    for (let k = 0; k < count; k++) weights[i * count + k] = weightAt(first + k) / total;
    start[i] = first;
  }
  return { start, count, weights };
}

/** Filters rows, then columns: [H, W, channels] to `out` [height, width, channels]. */
function resample<Out extends Float32Array | Uint8ClampedArray>(
  data: Uint8Array | Uint16Array | Float32Array,
  from: { readonly width: number; readonly height: number; readonly channels: number },
  width: number,
  height: number,
  antialias: boolean,
  out: Out,
): Out {
  const { channels } = from;
  const stride = width * channels;
  const columns = triangleTaps(from.width, width, antialias);
  const { start, count, weights } = triangleTaps(from.height, height, antialias);
  const narrow = channels === 3 ? narrowThree : narrowAny;
  // Of the rows at their new width only those that the next row is made of are kept.
  const narrowed = Array.from({ length: count }, () => new Float32Array(stride));
  const row = new Float32Array(stride);
  for (let y = 0, done = start[0]!; y < height; y++) {
    for (done = Math.max(done, start[y]!); done < start[y]! + count; done++)
      narrow(data, done * from.width * channels, columns, narrowed[done % count]!, channels);
    // Up to four rows at a time, the last ones straight into the result.
    const of = (k: number): Float32Array => narrowed[(start[y]! + Math.min(k, count - 1)) % count]!;
    const by = (k: number): number => (k < count ? weights[y * count + k]! : 0);
    if (count <= 2) {
      addTwo(out, y * stride, of(0), by(0), of(1), by(1));
      continue;
    }
    row.fill(0);
    let k = 0;
    for (; k + 4 < count; k += 4) addFour(row, 0, row, of, by, k);
    addFour(out, y * stride, row, of, by, k);
  }
  return out;
}

type Row = Float32Array | Uint8ClampedArray;

/** out[i] = a[i] · weightA + b[i] · weightB, from `first` on in `out`. */
function addTwo(out: Row, first: number, a: Float32Array, weightA: number, b: Float32Array, weightB: number): void {
  for (let i = 0; i < a.length; i++) out[first + i] = weightA * a[i]! + weightB * b[i]!;
}

/** out[i] = sum[i] + the rows k to k + 3 by their weights, from `first` on in `out`. */
function addFour(
  out: Row,
  first: number,
  sum: Float32Array,
  of: (k: number) => Float32Array,
  by: (k: number) => number,
  k: number,
): void {
  const [a, b, c, d] = [of(k), of(k + 1), of(k + 2), of(k + 3)];
  const [weightA, weightB, weightC, weightD] = [by(k), by(k + 1), by(k + 2), by(k + 3)];
  for (let i = 0; i < sum.length; i++)
    out[first + i] = sum[i]! + weightA * a[i]! + weightB * b[i]! + weightC * c[i]! + weightD * d[i]!;
}

/** Brings one row, which begins at `first`, to its new width. */
function narrowAny(
  data: Uint8Array | Uint16Array | Float32Array,
  first: number,
  { start, count, weights }: Taps,
  row: Float32Array,
  channels: number,
): void {
  row.fill(0);
  for (let x = 0; x < start.length; x++)
    for (let k = 0; k < count; k++)
      for (let c = 0; c < channels; c++)
        row[x * channels + c]! += weights[x * count + k]! * data[first + (start[x]! + k) * channels + c]!;
}

/** `narrowAny` of three channels, written out: most rows are of images. */
function narrowThree(
  data: Uint8Array | Uint16Array | Float32Array,
  first: number,
  { start, count, weights }: Taps,
  row: Float32Array,
): void {
  for (let x = 0, w = 0; x < start.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let i = first + 3 * start[x]!;
    for (const end = w + count; w < end; w++, i += 3) {
      const weight = weights[w]!;
      red += weight * data[i]!;
      green += weight * data[i + 1]!;
      blue += weight * data[i + 2]!;
    }
    row[3 * x] = red;
    row[3 * x + 1] = green;
    row[3 * x + 2] = blue;
  }
}

/** Numbers at another size, filtered as by `resizeImage`: [H, W, channels] to [height, width, channels]. */
export const resizePlanes = (
  data: Uint8Array | Uint16Array | Float32Array,
  from: { readonly width: number; readonly height: number; readonly channels: number },
  width: number,
  height: number,
): Float32Array =>
  width === from.width && height === from.height
    ? Float32Array.from(data)
    : resample(data, from, width, height, true, new Float32Array(width * height * from.channels));

/**
 * An image at another size: a triangle filter with half-pixel centres, which is bilinear interpolation when it
 * enlarges and averages (antialiases) when it shrinks, as PyTorch's `interpolate(…, antialias=True)`.
 */
export function resizeImage(image: Image, width: number, height: number): Image {
  if (width === image.width && height === image.height) return image;
  const bytes = new Uint8ClampedArray(width * height * 3);
  resample(image.data, { ...image, channels: 3 }, width, height, true, bytes);
  return { width, height, data: new Uint8Array(bytes.buffer) };
}

/** Whole levels, 0–255. (A plain loop: `Uint8Array.from` with a function takes ten times as long.) */
export function roundToBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i]!;
  return new Uint8Array(bytes.buffer);
}

/** A mask at another size: the nearest pixel, by half-pixel centres. It stays 0 and 1. */
export function resizeMask(mask: Mask, width: number, height: number): Mask {
  if (width === mask.width && height === mask.height) return mask;
  const data = new Uint8Array(width * height);
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * mask.width) / width));
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++) data[y * width + x] = mask.data[row + columns[x]!]!;
  }
  return { width, height, data };
}

/**
 * A probability map at another size: bilinear interpolation with half-pixel centres and no antialiasing, as PyTorch's
 * `interpolate(…, align_corners=False)` and ONNX Resize. [H · W] row-major to [height · width].
 */
export function resizeMap(
  map: Float32Array,
  from: { width: number; height: number },
  width: number,
  height: number,
): Float32Array {
  return resample(map, { ...from, channels: 1 }, width, height, false, new Float32Array(width * height));
}
