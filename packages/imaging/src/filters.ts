import type { Random } from '@forgelens/autograd';

import type { Image } from './image.ts';
import { roundToBytes } from './resize.ts';

/** Adds independent normal noise of standard deviation `sigma`, in levels of 0–255. */
export function gaussianNoise(image: Image, sigma: number, random: Random): Image {
  const data = new Uint8ClampedArray(image.data.length);
  for (let i = 0; i < data.length; i++) data[i] = image.data[i]! + random.normal(0, sigma);
  return { ...image, data: new Uint8Array(data.buffer) };
}

/** Levels 255 · (level / 255)^(1 / gamma): above 1 brightens, below 1 darkens. */
export function gammaCorrection(image: Image, gamma: number): Image {
  const table = Uint8Array.from({ length: 256 }, (_, level) => Math.round(255 * (level / 255) ** (1 / gamma)));
  return { ...image, data: image.data.map(level => table[level]!) };
}

/**
 * Blurs with a normal kernel of standard deviation `sigma` > 0 pixels, cut at `radius` pixels; borders repeat.
 *
 * @param radius - three standard deviations unless it is said
 */
export function gaussianBlur(image: Image, sigma: number, radius = Math.ceil(3 * sigma)): Image {
  const { width, height } = image;
  const rows = blurPlanes(new Float32Array(image.data), width, height, 3, sigma, radius);
  return { width, height, data: roundToBytes(rows) };
}

/** `gaussianBlur` on numbers: [H, W, channels] to the same shape. */
export function blurPlanes(
  data: Float32Array,
  width: number,
  height: number,
  channels: number,
  sigma: number,
  radius = Math.ceil(3 * sigma),
): Float32Array {
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  /** Blurs along an axis of `extent` positions, `step` numbers apart. */
  const along = (input: Float32Array, extent: number, step: number) => {
    const output = new Float32Array(input.length);
    const length = extent * step;
    for (let line = 0; line < input.length; line += length)
      for (let k = -radius; k <= radius; k++) {
        const weight = kernel[k + radius]! / total;
        const shift = Math.max(-length, Math.min(length, k * step));
        const [first, end] = [Math.max(0, -shift), Math.min(length, length - shift)];
        for (let i = line + first; i < line + end; i++) output[i]! += weight * input[i + shift]!;
        // Before the first and behind the last position, these are seen again.
        for (let i = 0; i < first; i++) output[line + i]! += weight * input[line + (i % step)]!;
        for (let i = end; i < length; i++) output[line + i]! += weight * input[line + length - step + (i % step)]!;
      }
    return output;
  };
  return along(along(data, width, channels), height, width * channels);
}
