import { Random } from '@forgelens/autograd';

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
 * @param statistics - each gives its value where image i is taken `times[i]` times, or null where it is undefined;
 *   such draws are left out
 * @returns for each statistic its interval; null where fewer than half of the draws define it, or with fewer than 2 images
 */
export function bootstrap<Name extends string>(
  images: number,
  statistics: (times: Uint32Array) => Readonly<Record<Name, number | null>>,
  { seed = 'bootstrap', resamples = 1000 }: BootstrapOptions = {},
): Readonly<Record<Name, Interval | null>> {
  const random = new Random(seed);
  const times = new Uint32Array(images);
  const names = Object.keys(statistics(times.fill(1))) as Name[];
  const values = new Map<Name, number[]>(names.map(name => [name, []]));
  for (let i = 0; i < resamples && images > 1; i++) {
    times.fill(0);
    for (let k = 0; k < images; k++) times[random.integer(0, images)]!++;
    const drawn = statistics(times);
    for (const name of names) if (drawn[name] !== null) values.get(name)!.push(drawn[name]);
  }
  const interval = (drawn: number[]): Interval | null => {
    if (images < 2 || drawn.length < resamples / 2) return null;
    const sorted = Float64Array.from(drawn).sort();
    return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
  };
  return Object.fromEntries(names.map(name => [name, interval(values.get(name)!)])) as Record<Name, Interval | null>;
}

/** Linear between order statistics, as NumPy's. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}
