import { UsageError } from '@forgelens/autograd';

/** What is known of a kind of degradation: what its number means, and which numbers it takes. */
interface DegradationKind {
  readonly unit: string;
  readonly lowest: number;
  readonly highest: number;
  /** `whole` takes whole numbers only, `odd` odd ones only. */
  readonly only?: 'whole' | 'odd';
}

/** What may happen to a finished picture. Each is one number, and its name says the unit: `jpeg_quality`, `noise_sigma`. */
export const degradations = {
  jpeg_quality: { unit: 'quality of libjpeg, 1–100', lowest: 1, highest: 100, only: 'whole' },
  webp_quality: { unit: 'quality of libwebp, lossy, 1–100', lowest: 1, highest: 100, only: 'whole' },
  blur_sigma: { unit: 'px, the standard deviation of a normal kernel cut at three', lowest: 0.1, highest: 50 },
  blur_kernel: {
    unit: 'px, the width k of a normal kernel of standard deviation 0.3 · ((k − 1) / 2 − 1) + 0.8, as in OpenCV',
    lowest: 1,
    highest: 101,
    only: 'odd',
  },
  noise_sigma: { unit: 'levels of 0–255, the standard deviation of normal noise', lowest: 0, highest: 128 },
  noise_variance: { unit: 'squared levels of 0–255, the variance of normal noise', lowest: 0, highest: 16384 },
  gamma: { unit: 'exponent: 255 · (level / 255)^(1 / gamma)', lowest: 0.1, highest: 10 },
  resize_scale: { unit: 'factor of width and height', lowest: 0.05, highest: 4 },
  resize_longest: { unit: 'px, the longer side; smaller pictures stay', lowest: 16, highest: 65536, only: 'whole' },
  crop_share: { unit: 'share of width and of height that is kept, at a random place', lowest: 0.05, highest: 1 },
} as const satisfies Record<string, DegradationKind>;

export type DegradationName = keyof typeof degradations;

/** How the colours of a JPEG are stored: at half the resolution or at the full one. */
export type ChromaSubsampling = '4:2:0' | '4:4:4';

/** One degradation, plain data. */
export interface Degradation {
  readonly name: DegradationName;
  readonly value: number;
  /** Of a JPEG: 4:2:0 unless it is said. */
  readonly subsampling?: ChromaSubsampling;
  /**
   * Of a JPEG: where its 8×8 grid begins, in px from 0 to 7; [0, 0] unless it is said. A grid elsewhere is that of a
   * picture cut from a larger one.
   */
  readonly grid?: readonly [x: number, y: number];
}

/** @throws {UsageError} when the number is not one that the degradation takes. */
export function checkDegradation({ name, value }: Degradation): void {
  const kind: DegradationKind = degradations[name];
  const { lowest, highest, only } = kind;
  const fits =
    value >= lowest &&
    value <= highest &&
    (only !== 'whole' || Number.isInteger(value)) &&
    (only !== 'odd' || value % 2 === 1);
  if (fits) return;
  const numbers = only === undefined ? 'a number' : only === 'odd' ? 'an odd number' : 'a whole number';
  throw new UsageError(`${name}=${value}: must be ${numbers} from ${lowest} to ${highest} (${kind.unit})`);
}

/** A chain of degradations in one line: `resize_scale=0.5+jpeg_quality=75`; `none` when there is none. */
export const formatDegradations = (chain: readonly Degradation[]): string =>
  chain.map(({ name, value }) => `${name}=${value}`).join('+') || 'none';

/**
 * The chain that a line as of `formatDegradations` describes.
 *
 * @throws {UsageError} when a name is not known, or a number does not fit it
 * @example
 * parseDegradations('resize_scale=0.5+jpeg_quality=75');
 */
export function parseDegradations(text: string): Degradation[] {
  if (text.trim() === 'none') return [];
  return text.split('+').map(step => {
    const [name = '', number = ''] = step.split('=').map(part => part.trim());
    if (!isDegradationName(name))
      throw new UsageError(
        `unknown degradation "${step.trim()}"; it must be <name>=<number> (names: ${Object.keys(degradations).join(', ')})`,
      );
    const degradation = { name, value: number === '' ? NaN : Number(number) };
    checkDegradation(degradation);
    return degradation;
  });
}

const isDegradationName = (text: string): text is DegradationName => Object.hasOwn(degradations, text);
