/** Bits behind the point of Pillow's weights. */
const bits = 22;

interface Taps {
  readonly start: number;
  readonly weights: Int32Array;
}

/** Triangle weights, as wide as an input pixel, or as an output pixel when it shrinks. */
function triangleTaps(input: number, output: number): readonly Taps[] {
  const scale = input / output;
  const radius = Math.max(1, scale);
  return Array.from({ length: output }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.floor(centre - radius + 0.5));
    const end = Math.min(input, Math.floor(centre + radius + 0.5));
    const weights = Array.from({ length: end - start }, (_, k) =>
      Math.max(0, 1 - Math.abs((start + k - centre + 0.5) / radius)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { start, weights: Int32Array.from(weights, weight => Math.floor(0.5 + (weight / total) * 2 ** bits)) };
  });
}

/**
 * Levels 0–255 at another size, to the bit as Pillow's `resize(…, Image.BILINEAR)` of an 8-bit grey picture gives them,
 * which is torchvision's `Resize` of such a picture: a triangle filter that averages when it shrinks, rows then columns,
 * each rounded to 8 bits. (`resizeImage` rounds once.)
 */
export function resizeLevels(
  levels: Uint8Array,
  from: { readonly width: number; readonly height: number },
  width: number,
  height: number,
): Uint8Array {
  const rows = width === from.width ? levels : new Uint8Array(width * from.height);
  if (rows !== levels)
    for (const [x, taps] of triangleTaps(from.width, width).entries())
      for (let y = 0; y < from.height; y++) rows[y * width + x] = weigh(levels, y * from.width, 1, taps);
  if (height === from.height) return rows;
  const out = new Uint8Array(width * height);
  for (const [y, taps] of triangleTaps(from.height, height).entries())
    for (let x = 0; x < width; x++) out[y * width + x] = weigh(rows, x, width, taps);
  return out;
}

function weigh(levels: Uint8Array, origin: number, step: number, { start, weights }: Taps): number {
  let sum = 2 ** (bits - 1);
  for (let k = 0; k < weights.length; k++) sum += levels[origin + (start + k) * step]! * weights[k]!;
  return sum >> bits;
}
