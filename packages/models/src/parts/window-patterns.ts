import type { Value } from '@forgelens/autograd';
import {
  abs,
  add,
  cast,
  constant,
  constantMatrix,
  dft2d,
  div,
  equal,
  float32,
  floor,
  log,
  matmul,
  maximum,
  mul,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  relu,
  reshape,
  scalar,
  slice,
  sqrt,
  square,
  sub,
  transposeLast,
} from '@forgelens/autograd';

/*
 * How random and how periodic windows of pixels are: CDFL's two measures, as its paper describes them and as its code
 * computes them. Windows are [N, taps, P], row-major in each window; measures are [N, P].
 */

const bins = 16;
const binIndex = constant(
  float32(
    [bins, 1, 1],
    Array.from({ length: bins }, (_, i) => i),
  ),
);

/** Where each pixel lies between its window's least (0) and greatest (`bins` − 1): [N, taps, P] → [N, 1, taps, P]. */
function binPosition(windows: Value, leastRange: number): Value {
  const [n, taps, pixels] = windows.shape as [number, number, number];
  const least = reduceMin(windows, [1], { keepDims: true });
  const range = maximum(sub(reduceMax(windows, [1], { keepDims: true }), least), scalar(leastRange));
  return reshape(mul(div(sub(windows, least), range), scalar(bins - 1)), [n, 1, taps, pixels]);
}

/** −Σ p·log₂ p over axis 1, as a share of what equal chances give: in [0, 1]. */
const relativeEntropy = (p: Value): Value =>
  mul(reduceSum(mul(p, log(maximum(p, scalar(1e-10)))), [1]), scalar(-1 / Math.log(bins)));

/**
 * The entropy of the pixels of each window, in [0, 1], from a histogram that is linear between the middles of its bins
 * and so has a gradient. The range of a histogram is the window's, but at least one grey level.
 */
export function randomness(windows: Value): Value {
  const position = binPosition(windows, 1 / 255);
  return relativeEntropy(reduceMean(relu(sub(scalar(1), abs(sub(position, binIndex)))), [2]));
}

/** The same as the official code computes it: counts, and by a lost minus in [−1, 0]. It has no gradient. */
export function randomnessOfCode(windows: Value): Value {
  const bin = floor(binPosition(windows, 1e-8));
  return mul(relativeEntropy(reduceMean(cast(equal(bin, binIndex), 'float32'), [2])), scalar(-1));
}

/** Waves of fewer cycles per pixel are not periodicity, but shading. */
const cutoff = 0.1;

/** The Hann window, 1 in the middle, and the frequencies above the cutoff of n × n pixels: constants, [n, n] each. */
function spectralWindow(n: number): { readonly taper: Value; readonly highPass: Value } {
  const hann = (i: number) => Math.sin((Math.PI * (i + 0.5)) / n) ** 2;
  const frequency = (i: number) => Math.min(i, n - i) / n;
  return {
    taper: constantMatrix(n, n, (i, j) => hann(i) * hann(j)),
    highPass: constantMatrix(n, n, (i, j) => (Math.hypot(frequency(i), frequency(j)) > cutoff ? 1 : 0)),
  };
}

/**
 * The share of the strongest wave in the energy of each window above the cutoff, in [0, 1/2], since a wave and its
 * mirror image are two: near 1/2 for a grating, a few hundredths for noise, 0 where nothing varies.
 */
export function periodicity(windows: Value): Value {
  const [n, taps, pixels] = windows.shape as [number, number, number];
  const side = Math.sqrt(taps);
  const { taper, highPass } = spectralWindow(side);
  const varying = transposeLast(sub(windows, reduceMean(windows, [1], { keepDims: true })));
  const [real, imaginary] = dft2d(mul(reshape(varying, [n, pixels, side, side]), taper));
  const energy = mul(add(square(real), square(imaginary)), highPass);
  return div(reduceMax(energy, [2, 3]), add(reduceSum(energy, [2, 3]), scalar(1e-6)));
}

/**
 * The same as the official code computes it: the window is transformed as one row, and only its mean is filtered out;
 * the least amplitude is then always 0, and (greatest − least) / (greatest + 1e-8) is 1 wherever anything varies.
 */
export function periodicityOfCode(windows: Value): Value {
  const taps = windows.shape[1]!;
  // A real row of 25 has waves 1 to 12; the others mirror them. Less its first pixel, a constant window gives exactly 0.
  const waves = Math.floor(taps / 2);
  const angle = (wave: number, tap: number) => (2 * Math.PI * (((wave + 1) * tap) % taps)) / taps;
  const varying = sub(windows, slice(windows, 1, 0, 1));
  const real = matmul(
    constantMatrix(waves, taps, (wave, tap) => Math.cos(angle(wave, tap))),
    varying,
  );
  const imaginary = matmul(
    constantMatrix(waves, taps, (wave, tap) => Math.sin(angle(wave, tap))),
    varying,
  );
  const greatest = sqrt(reduceMax(add(square(real), square(imaginary)), [1]));
  return div(greatest, add(greatest, scalar(1e-8)));
}

/**
 * The balanced residual: how far periodicity / randomness is from its mean over the image, beyond two standard
 * deviations, as a share of the farthest. In [0, 1], and 0 almost everywhere.
 */
export function balancedResidual(periodic: Value, random: Value): Value {
  const balance = div(periodic, add(random, scalar(1e-8)));
  const distance = abs(sub(balance, reduceMean(balance, [1], { keepDims: true })));
  const pixels = balance.shape[1]!;
  const variance = mul(reduceSum(square(distance), [1], { keepDims: true }), scalar(1 / Math.max(1, pixels - 1)));
  const beyond = relu(sub(distance, mul(sqrt(variance), scalar(2))));
  return div(beyond, add(reduceMax(beyond, [1], { keepDims: true }), scalar(1e-8)));
}
