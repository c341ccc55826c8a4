import type { Image } from '@forgelens/imaging/pixels';
import type { EvidenceId, Finding, Source } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import type { EvidenceKind } from './subject.ts';

/*
 * CDFL's three maps of windows of 16 × 16 px, 8 px apart, of the mean of red, green and blue: the arithmetic of
 * `cdflPatterns(…, 'paper')` of @forgelens/models, which a test compares, on plain numbers, so that a picture of any
 * size needs neither a graph nor its memory.
 *
 * CDFL: Cross-Dimensional Forgery Pattern Extraction for Generalizable Forgery Localization Framework,
 * https://github.com/GCLion/CDFL. Unlike the paper: windows at the border are moved inside, and the balanced residual has
 * a fixed scale in place of the picture's largest.
 */

const side = 16;
const stride = 8;
const bins = 16;
/** Waves of fewer cycles a pixel are shading, not periodicity. */
const cutoff = 0.1;

const source: Source = {
  text: 'CDFL: Cross-Dimensional Forgery Pattern Extraction for Generalizable Forgery Localization Framework',
  url: 'https://github.com/GCLion/CDFL',
};

/** Measures of windows, row-major, ⌈width / 8⌉ × ⌈height / 8⌉. */
export interface PixelPatterns {
  readonly columns: number;
  readonly rows: number;
  /** Entropy of 16 grey levels between the window's least and greatest, as a share of the largest possible, in [0, 1]. */
  readonly randomness: Float32Array;
  /**
   * The share of the strongest wave in the energy above 0.1 cycles a pixel, in [0, 2/9]: a wave and its mirror image are two,
   * and the window's taper spreads each over nine frequencies, of which the middle one has 4/9.
   */
  readonly periodicity: Float32Array;
}

/** The two measures of each window of a picture of at least 16 × 16 px. */
export function pixelPatterns(image: Image): PixelPatterns {
  const known = computed.get(image);
  if (known !== undefined) return known;
  const { width, height, data } = image;
  const [columns, rows] = [Math.ceil(width / stride), Math.ceil(height / stride)];
  const randomness = new Float32Array(columns * rows);
  const periodicity = new Float32Array(columns * rows);
  const window = new Float64Array(side * side);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const left = Math.min(Math.max(0, column * stride - stride / 2), width - side);
      const top = Math.min(Math.max(0, row * stride - stride / 2), height - side);
      for (let y = 0; y < side; y++)
        for (let x = 0, i = 3 * ((top + y) * width + left); x < side; x++, i += 3)
          window[y * side + x] = (data[i]! + data[i + 1]! + data[i + 2]!) / (3 * 255);
      randomness[row * columns + column] = entropyOf(window);
      periodicity[row * columns + column] = strongestWave(window);
    }
  const patterns = { columns, rows, randomness, periodicity };
  computed.set(image, patterns);
  return patterns;
}

/** Three maps are made of one computation. */
const computed = new WeakMap<Image, PixelPatterns>();

const histogram = new Float64Array(bins);

function entropyOf(window: Float64Array): number {
  let [least, greatest] = [Infinity, -Infinity];
  for (const value of window) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const scale = (bins - 1) / Math.max(greatest - least, 1 / 255);
  histogram.fill(0);
  for (const value of window) {
    const position = (value - least) * scale;
    const bin = Math.min(Math.floor(position), bins - 2);
    histogram[bin]! += (bin + 1 - position) / window.length;
    histogram[bin + 1]! += (position - bin) / window.length;
  }
  let entropy = 0;
  for (const share of histogram) if (share > 1e-10) entropy -= share * Math.log(share);
  return entropy / Math.log(bins);
}

const wave = (f: (angle: number) => number) =>
  Float64Array.from({ length: side * side }, (_, i) => f((2 * Math.PI * Math.floor(i / side) * (i % side)) / side));
const [cosine, sine] = [wave(Math.cos), wave(Math.sin)];
const taper = Float64Array.from({ length: side }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2);
const real = new Float64Array(side * side);
const imaginary = new Float64Array(side * side);

/** A real window has mirrored waves: half the horizontal frequencies, 0 to 8, are enough. */
function strongestWave(window: Float64Array): number {
  let sum = 0;
  for (const value of window) sum += value;
  const mean = sum / window.length;
  for (let y = 0; y < side; y++)
    for (let u = 0; u <= side / 2; u++) {
      let re = 0;
      let im = 0;
      for (let x = 0; x < side; x++) {
        const value = (window[y * side + x]! - mean) * taper[x]!;
        re += value * cosine[u * side + x]!;
        im -= value * sine[u * side + x]!;
      }
      real[y * side + u] = re * taper[y]!;
      imaginary[y * side + u] = im * taper[y]!;
    }
  let greatest = 0;
  let total = 0;
  for (let u = 0; u <= side / 2; u++)
    for (let v = 0; v < side; v++) {
      if (Math.hypot(u, Math.min(v, side - v)) / side <= cutoff) continue;
      let re = 0;
      let im = 0;
      for (let y = 0; y < side; y++) {
        const c = cosine[v * side + y]!;
        const s = sine[v * side + y]!;
        re += real[y * side + u]! * c + imaginary[y * side + u]! * s;
        im += imaginary[y * side + u]! * c - real[y * side + u]! * s;
      }
      const energy = re * re + im * im;
      if (energy > greatest) greatest = energy;
      total += u === 0 || u === side / 2 ? energy : 2 * energy;
    }
  return greatest / (total + 1e-6);
}

/** How far periodicity / randomness is from its mean beyond two standard deviations, in standard deviations. */
export function balancedResidual({ periodicity, randomness }: PixelPatterns): Float32Array {
  const balance = periodicity.map((value, i) => value / (randomness[i]! + 1e-8));
  const mean = balance.reduce((sum, value) => sum + value, 0) / balance.length;
  const variance = balance.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, balance.length - 1);
  const deviation = Math.sqrt(variance) || 1;
  return balance.map(value => Math.max(0, Math.abs(value - mean) / deviation - 2));
}

interface PatternMap {
  readonly measure: (patterns: PixelPatterns) => Float32Array;
  /** What the map shows as 1. */
  readonly fullScale: number;
  readonly zero: string;
  readonly one: string;
  readonly summary: (values: Float32Array) => string;
}

const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

function kind(
  id: EvidenceId,
  words: Record<'title' | 'whatItShows' | 'lookFor' | 'ignore', string>,
  drawn: PatternMap,
): EvidenceKind {
  return {
    id,
    ...words,
    source,
    find: ({ image }): Finding => {
      if (image.width < side || image.height < side)
        return notApplicable(
          `The picture has ${image.width}×${image.height} px; patterns are measured from ${side}×${side} px on.`,
        );
      const patterns = pixelPatterns(image);
      const values = drawn.measure(patterns);
      return {
        outcome: 'shown',
        summary: drawn.summary(values),
        map: {
          width: patterns.columns,
          height: patterns.rows,
          values: values.map(value => Math.min(1, value / drawn.fullScale)),
          zero: drawn.zero,
          one: drawn.one,
        },
      };
    },
  };
}

/** CDFL's randomness: the entropy of grey levels in windows of 16 × 16 px, [0, 1]. */
export const randomness = kind(
  'randomness',
  {
    title: 'Randomness (CDFL)',
    whatItShows:
      'How evenly the grey levels of each small window are spread between its darkest and its brightest: the entropy of its pixels.',
    lookFor:
      'A part whose randomness differs from parts of like content: generated and smoothed parts are often less random, or random in another, more even way.',
    ignore:
      'Edges between two flat areas are low, gradients and texture are high, in every picture. Without anything like it to compare, a bright or dark part means nothing.',
  },
  {
    measure: patterns => patterns.randomness,
    fullScale: 1,
    zero: 'one grey level',
    one: 'all grey levels equally often',
    summary: values => `The mean randomness is ${mean(values).toFixed(2)} of 1.`,
  },
);

/** CDFL's periodicity: the share of the strongest wave in windows of 16 × 16 px, [0, 2/9]. */
export const periodicity = kind(
  'periodicity',
  {
    title: 'Periodicity (CDFL)',
    whatItShows:
      'How much of the fine structure of each small window is one single wave. Enlarging, generators and old JPEG grids leave such waves.',
    lookFor:
      'A part with a steady periodicity where the content has no pattern of its own, ending at the border of an object.',
    ignore:
      'Straight edges, fabric, blinds, bricks and screens are periodic by themselves. Flat areas show the waves of JPEG.',
  },
  {
    measure: patterns => patterns.periodicity,
    fullScale: 2 / 9,
    zero: 'no wave stands out',
    one: 'a single wave',
    summary: values =>
      `The strongest wave has ${(100 * mean(values)).toFixed(0)} % of a window’s fine energy on average.`,
  },
);

/** CDFL's balanced residual: windows whose periodicity / randomness is unlike the picture's. */
export const balanced = kind(
  'balanced-residual',
  {
    title: 'Balanced residual (CDFL)',
    whatItShows:
      'Windows in which periodicity and randomness stand in another proportion than in the rest of the picture, by more than two standard deviations.',
    lookFor: 'Many marked windows together that fill one object and leave out others like it.',
    ignore: 'Single windows, and lines of them along edges: every picture has a few.',
  },
  {
    measure: balancedResidual,
    fullScale: 4,
    zero: 'within two standard deviations of the picture’s mean',
    one: 'six standard deviations from it or more',
    summary: values =>
      `${((100 * values.filter(value => value > 0).length) / values.length).toFixed(1)} % of the windows lie beyond two standard deviations.`,
  },
);
