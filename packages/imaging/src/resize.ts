import type { Image, Mask } from './image.ts';

/** For each output position along one axis: the first input position, and the weights from there on. */
type Taps = readonly { readonly start: number; readonly weights: Float32Array }[];

/**
 * Triangle-filter weights along one axis, with half-pixel centres: output i looks at (i + ½) · input / output − ½.
 * The triangle is one input pixel wide, or one output pixel when `antialias` shrinks.
 * At a border the weights outside the picture are dropped and the others scaled to a sum of 1.
 */
function triangleTaps(input: number, output: number, antialias: boolean): Taps {
  const scale = input / output;
  const radius = antialias ? Math.max(1, scale) : 1;
  return Array.from({ length: output }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const start = Math.max(0, Math.ceil(centre - radius));
    const end = Math.min(input - 1, Math.floor(centre + radius));
    const weights = Float32Array.from({ length: end - start + 1 }, (_, k) => 1 - Math.abs(start + k - centre) / radius);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: weights.map(weight => weight / total) };
  });
}

/** Filters rows, then columns: [H, W, channels] to [height, width, channels]. */
function resample(
  data: Uint8Array | Float32Array,
  from: { width: number; height: number; channels: number },
  width: number,
  height: number,
  antialias: boolean,
): Float32Array {
  const { channels } = from;
  const columns = triangleTaps(from.width, width, antialias);
  const rows = triangleTaps(from.height, height, antialias);
  const narrowed = new Float32Array(from.height * width * channels);
  for (let y = 0, o = 0; y < from.height; y++)
    for (let x = 0; x < width; x++, o += channels) {
      const { start, weights } = columns[x]!;
      let i = (y * from.width + start) * channels;
      for (let k = 0; k < weights.length; k++) {
        const weight = weights[k]!;
        for (let c = 0; c < channels; c++, i++) narrowed[o + c]! += weight * data[i]!;
      }
    }
  const stride = width * channels;
  const out = new Float32Array(height * stride);
  for (const [y, { start, weights }] of rows.entries())
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k]!;
      const row = (start + k) * stride;
      for (let i = 0; i < stride; i++) out[y * stride + i]! += weight * narrowed[row + i]!;
    }
  return out;
}

/**
 * An image at another size: a triangle filter with half-pixel centres, which is bilinear interpolation when it
 * enlarges and averages (antialiases) when it shrinks, as PyTorch's `interpolate(…, antialias=True)`.
 */
export function resizeImage(image: Image, width: number, height: number): Image {
  if (width === image.width && height === image.height) return image;
  const values = resample(image.data, { ...image, channels: 3 }, width, height, true);
  return { width, height, data: roundToBytes(values) };
}

/** Whole levels, 0–255. (A plain loop: `Uint8Array.from` with a function takes ten times as long.) */
export function roundToBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i]!;
  return new Uint8Array(bytes.buffer);
}

/** A mask at another size: the nearest pixel, by half-pixel centres. It stays 0 and 1. */
export function resizeMask(mask: Mask, width: number, height: number): Mask {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++)
      data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)]!;
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
  return resample(map, { ...from, channels: 1 }, width, height, false);
}
