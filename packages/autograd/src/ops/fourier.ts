import { ShapeError } from '../errors.ts';
import { nchw } from '../value.ts';
import type { Value } from '../value.ts';
import { add, mul, neg, sqrt, sub } from './elementwise.ts';
import { matmul } from './matmul.ts';
import { constantMatrix } from './resample.ts';
import { concat, pad, reshape, slice } from './shape.ts';
import { scalar } from '../value.ts';

/**
 * Sliding windows as channels, as PyTorch's unfold: [N, C, H, W] → [N, C·k·k, oH·oW], taps in row-major order within
 * each channel.
 * @throws {ShapeError} when x is smaller than the window
 */
export function unfold(x: Value, kernelSize: number, { stride = 1, padding = 0, dilation = 1 } = {}): Value {
  const [n, c, h, w] = nchw(x, 'unfold');
  const padded = pad(x, [
    [0, 0],
    [0, 0],
    [padding, padding],
    [padding, padding],
  ]);
  const size = (extent: number) => Math.floor((extent + 2 * padding - dilation * (kernelSize - 1) - 1) / stride) + 1;
  const [oh, ow] = [size(h), size(w)];
  if (oh < 1 || ow < 1)
    throw new ShapeError(
      'unfold',
      `x (shape [${x.shape}]) is smaller than the window of ${kernelSize}×${kernelSize}, dilation ${dilation}`,
    );
  const taps: Value[] = [];
  for (let i = 0; i < kernelSize; i++) {
    const rows = slice(padded, 2, i * dilation, i * dilation + (oh - 1) * stride + 1, stride);
    for (let j = 0; j < kernelSize; j++) {
      const seen = slice(rows, 3, j * dilation, j * dilation + (ow - 1) * stride + 1, stride);
      taps.push(reshape(seen, [n, c, 1, oh * ow]));
    }
  }
  return reshape(concat(taps, 2), [n, c * kernelSize * kernelSize, oh * ow]);
}

/** cos and sin of 2π·u·p/n as constant [n, n] matrices (symmetric). */
function fourierMatrices(n: number): readonly [cosine: Value, sine: Value] {
  const angle = (u: number, p: number) => (2 * Math.PI * ((u * p) % n)) / n;
  return [constantMatrix(n, n, (u, p) => Math.cos(angle(u, p))), constantMatrix(n, n, (u, p) => Math.sin(angle(u, p)))];
}

/**
 * The discrete Fourier transform of the last two axes, unnormalized, as matrix products (small sizes):
 * [.., H, W] → real and imaginary parts, [.., H, W] each.
 */
export function dft2d(x: Value): readonly [real: Value, imaginary: Value] {
  const [cosH, sinH] = fourierMatrices(x.shape.at(-2)!);
  const [cosW, sinW] = fourierMatrices(x.shape.at(-1)!);
  // e^(−iθ) = cos θ − i sin θ, first along W, then along H
  const [real, sine] = [matmul(x, cosW), matmul(x, sinW)];
  return [sub(matmul(cosH, real), matmul(sinH, sine)), neg(add(matmul(sinH, real), matmul(cosH, sine)))];
}

/** |dft2d(x)|; `eps` keeps the gradient finite where the spectrum vanishes. */
export function spectrum2d(x: Value, eps = 1e-12): Value {
  const [real, imaginary] = dft2d(x);
  return sqrt(add(add(mul(real, real), mul(imaginary, imaginary)), scalar(eps)));
}

/**
 * The orthonormal type-II discrete cosine basis of an axis, [n, n]: row u is √(1/n)·cos(0) or √(2/n)·cos(π·u·(p + ½)/n).
 */
export const cosineMatrix = (n: number): Value =>
  constantMatrix(n, n, (u, p) => Math.sqrt((u === 0 ? 1 : 2) / n) * Math.cos((Math.PI * u * (p + 0.5)) / n));
