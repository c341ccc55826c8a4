import { Random } from '@forgelens/autograd';
import type { Counts } from './counts.ts';

/** Where a value lies if the images had been others of the same kind: 95 of 100 such intervals hold the true value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  readonly seed?: number | string;
  /** How often images are drawn anew. */
  readonly resamples?: number;
}

/**
 * The 95 % percentile interval of statistics of a set of images, by drawing as many images from it, with replacement,
 * again and again. All statistics see the same draws. Efron 1979, https://doi.org/10.1214/aos/1176344552.
 *
 * @param statistics - each one's value where image i is taken `times[i]` times, or null where it is undefined; such
 *   draws are left out
 * @returns for each statistic its interval; null where fewer than half of the draws define it, or with fewer than 2 images
 */
export function bootstrap(
  images: number,
  statistics: (times: Uint32Array) => readonly (number | null)[],
  { seed = 'bootstrap', resamples = 1000 }: BootstrapOptions = {},
): readonly (Interval | null)[] {
  const random = new Random(seed);
  const times = new Uint32Array(images);
  const values = statistics(times.fill(1)).map((): number[] => []);
  if (values.length > 0 && images > 1)
    for (let i = 0; i < resamples; i++) {
      times.fill(0);
      for (let k = 0; k < images; k++) times[random.integer(0, images)]!++;
      for (const [k, value] of statistics(times).entries()) if (value !== null) values[k]!.push(value);
    }
  return values.map(drawn => {
    if (images < 2 || drawn.length < resamples / 2) return null;
    const sorted = Float64Array.from(drawn).sort();
    return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  });
}

/** Linear between order statistics, as NumPy's. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/** The mean of the values that are defined, the i-th one taken `times[i]` times. Null where none is. */
export function meanTimes(values: readonly (number | null)[], times: Uint32Array): number | null {
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === null) continue;
    sum += times[i]! * value;
    count += times[i]!;
  }
  return count === 0 ? null : sum / count;
}

/** The sum of counts, the i-th ones taken `times[i]` times. */
export function sumTimes(counts: readonly Counts[], times: Uint32Array): Counts {
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    const c = counts[i]!;
    tp += times[i]! * c.tp;
    fp += times[i]! * c.fp;
    fn += times[i]! * c.fn;
    tn += times[i]! * c.tn;
  }
  return { tp, fp, fn, tn };
}
