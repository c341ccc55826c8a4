/** The generator of the parity fixtures: weights, images and masks as functions of a name and a salt. */
import { Tensor } from '@forgelens/autograd';

/** FNV-1a over UTF-8 bytes, 32 bits. */
export function fnv(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** `count` uniform numbers in [0, 1) of the stream of a key: mulberry32. */
export function uniforms(key: string, count: number, salt = 0): Float64Array {
  const values = new Float64Array(count);
  let a = (fnv(key) ^ salt) | 0;
  for (let i = 0; i < count; i++) {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    values[i] = ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  return values;
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A tensor made from the uniform numbers of `key`, rounded once to float32. */
export function generated(
  key: string,
  shape: readonly number[],
  salt: number,
  value = (u: number) => 2 * u - 1,
): Tensor {
  return new Tensor('float32', shape, Float32Array.from(uniforms(key, size(shape), salt), value));
}

const adjustments: readonly (readonly [string, number])[] = [
  ['stem.0.weight', 1 / 8],
  ['bn3.weight', 1 / 4],
  ['.mlp.norm3.weight', 1 / 4],
];

/** The value of a parameter by its official key: the role decides the formula. */
export function parameterValue(key: string, shape: readonly number[], salt: number): Tensor {
  const adjust = adjustments.find(([ending]) => key.endsWith(ending))?.[1] ?? 1;
  if (key.endsWith('.running_var')) return generated(key, shape, salt, u => 0.5 + u);
  if (key.endsWith('.running_mean')) return generated(key, shape, salt, u => 0.2 * (u - 0.5));
  if (shape.length >= 2) {
    const limit = Math.sqrt(3 / size(shape.slice(1))) * adjust;
    return generated(key, shape, salt, u => (2 * u - 1) * limit);
  }
  if (key.endsWith('bias')) return generated(key, shape, salt, u => 0.2 * (u - 0.5));
  return generated(key, shape, salt, u => (0.8 + 0.4 * u) * adjust);
}

/** The test image [batch, 3, size, size] in [0, 1): coarse 8 × 8 colours and fine noise. */
export function testImage(batch: number, size: number, salt: number): Tensor {
  const fine = uniforms('input', batch * 3 * size * size, salt);
  const coarse = uniforms('input.coarse', batch * 3 * 64, salt);
  const data = new Float32Array(fine.length);
  for (let plane = 0; plane < batch * 3; plane++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const i = (plane * size + y) * size + x;
        const cell = plane * 64 + Math.floor((8 * y) / size) * 8 + Math.floor((8 * x) / size);
        data[i] = 0.75 * coarse[cell]! + 0.25 * fine[i]!;
      }
  return new Tensor('float32', [batch, 3, size, size], data);
}

const ellipses = [
  { cx: 0.45, cy: 0.55, rx: 0.27, ry: 0.19 },
  { cx: 0.6, cy: 0.4, rx: 0.21, ry: 0.33 },
];

/** The test mask [batch, 1, size, size]: one ellipse an image. */
export function testMask(batch: number, size: number): Tensor {
  const data = new Float32Array(batch * size * size);
  for (let b = 0; b < batch; b++) {
    const { cx, cy, rx, ry } = ellipses[b]!;
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const [u, v] = [((x + 0.5) / size - cx) / rx, ((y + 0.5) / size - cy) / ry];
        data[(b * size + y) * size + x] = u * u + v * v <= 1 ? 1 : 0;
      }
  }
  return new Tensor('float32', [batch, 1, size, size], data);
}
