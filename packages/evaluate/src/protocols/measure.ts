import type { Bounded, Counts, Interval, ScoreHistogram } from '@forgelens/metrics';
import {
  addCounts,
  areaUnderRoc,
  averagePrecisionOf,
  detection,
  mean,
  meanTimes,
  noCounts,
  poolScore,
  Ranking,
  sumTimes,
  sweptThresholds,
} from '@forgelens/metrics';
import type { ImageMeasure, Images, Measure, PixelMeasure, Protocol } from './protocol.ts';
import { orEmpty, plainValue, valueOfCounts } from './values.ts';
import type { Pixels } from './view.ts';

/** What one image contributes to one measure; null where it contributes nothing, or only its pixels to a histogram. */
export type Contribution =
  | {
      readonly kind: 'value';
      readonly value: number | null;
      readonly isInverted: boolean;
      /** The value of marking every pixel. */
      readonly floor: number | null;
    }
  | { readonly kind: 'counts'; readonly counts: Counts }
  /** TP and FP at each swept threshold in turn, and the pixels there are. */
  | { readonly kind: 'sweep'; readonly found: Uint32Array; readonly tampered: number; readonly authentic: number }
  | { readonly kind: 'score'; readonly score: number };

type Contributing<K extends Contribution['kind']> = Extract<Contribution, { readonly kind: K }>;

/** One number of a protocol, with what must be known to read it. */
export interface Measured {
  readonly name: string;
  /** Null where it is undefined. */
  readonly value: number | null;
  /** Of 95 %, by bootstrap over images; null where it is not computed or the images are too few. */
  readonly interval: Interval | null;
  /** The images that it is of, and those that were left out of the mean because it is undefined for them. */
  readonly images: number;
  readonly undefined: number;
  /** Images of which the inverted prediction was taken; null where it never is. */
  readonly inverted: number | null;
  /** The threshold that was best for the set; null for others. */
  readonly threshold: number | null;
  /** The exact value is within this of it; null where it is exact. */
  readonly errorBound: number | null;
  /** What marking every pixel of every image scores: the floor of this number. Null where there is none. */
  readonly markEverything: number | null;
}

/** Whether a measure's value is read from pooled bins. */
export const isPooledRanking = (measure: Measure): boolean =>
  measure.level === 'pixels' &&
  measure.taken === 'pooled' &&
  (measure.of === 'auc' || measure.of === 'averagePrecision');

/** Which images a measure of a protocol is of. */
export const imagesOf = (protocol: Protocol, measure: Measure): Images =>
  measure.level === 'images' ? 'all' : (measure.images ?? protocol.images);

/** Whether an image is one of them. */
export const isAmong = (images: Images, label: 0 | 1): boolean =>
  images === 'all' || (label === 1) === (images === 'tampered');

/**
 * What an image contributes to a measure.
 *
 * @param pixels - as the measure sees them
 * @param modelScore - the model's own score of the image
 */
export function contribute(
  protocol: Protocol,
  measure: Measure,
  pixels: Pixels,
  modelScore: number,
): Contribution | null {
  const { ranking } = pixels;
  if (measure.level === 'images')
    return { kind: 'score', score: measure.score === 'model' ? modelScore : poolScore(ranking, measure.score) };
  if (isPooledRanking(measure)) return null;
  const { at = protocol.threshold } = measure;
  if (at === 'best of the set') return sweep(ranking);
  if (measure.taken === 'pooled') return { kind: 'counts', counts: countsAt(ranking, at, measure) };
  const floor = Ranking.ofConstant(1, ranking.tampered, ranking.authentic);
  return { kind: 'value', ...valueOfImage(measure, ranking, at), floor: valueOfImage(measure, floor, at).value };
}

function valueOfImage(measure: PixelMeasure, ranking: Ranking, at: NonNullable<PixelMeasure['at']>) {
  if (measure.of === 'auc' || measure.of === 'averagePrecision')
    return { value: valueOfRanking(measure, ranking), isInverted: false };
  if (at !== 'best of each image') return valueOfCounts(measure, countsAt(ranking, at, measure));
  const best = ranking.best(counts => plainValue(measure, counts), { inverse: measure.inverse });
  return { value: best?.value ?? null, isInverted: best?.isInverted ?? false };
}

function valueOfRanking(measure: PixelMeasure, ranking: Ranking): number | null {
  if (measure.isUndefinedWithoutAuthentic && ranking.authentic === 0) return null;
  return orEmpty(measure, measure.of === 'auc' ? ranking.auc() : ranking.averagePrecision());
}

function countsAt(ranking: Ranking, at: NonNullable<PixelMeasure['at']>, { name }: PixelMeasure): Counts {
  if (at === 'soft') return ranking.softCounts();
  if (typeof at === 'string') throw new RangeError(`${name}: no counts at ${at}`);
  return ranking.counts(at.value, at.comparison);
}

function sweep(ranking: Ranking): Contribution {
  const found = new Uint32Array(2 * sweptThresholds.length);
  for (const [i, threshold] of sweptThresholds.entries()) {
    const { tp, fp } = ranking.counts(threshold);
    found.set([tp, fp], 2 * i);
  }
  return { kind: 'sweep', found, tampered: ranking.tampered, authentic: ranking.authentic };
}

/** An image's label and what it contributes to a measure. */
export interface Contributed {
  readonly label: 0 | 1;
  readonly contribution: Contribution | null;
}

/** A measure of a set, and how it comes out where the i-th of its images is taken `times[i]` times, for its interval. */
export interface Concluded {
  readonly measured: Measured;
  readonly statistic: ((times: Uint32Array) => number | null) | null;
}

/**
 * One measure of a set of images, without its interval.
 *
 * @param all - of every image of the set, in an order that does not depend on who was looked at first
 * @param pixelsOfImages - the pixels of those images in bins, for what is read from bins
 */
export function conclude(
  protocol: Protocol,
  measure: Measure,
  all: readonly Contributed[],
  pixelsOfImages: (images: Images) => ScoreHistogram,
): Concluded {
  const images = imagesOf(protocol, measure);
  const among = all.filter(({ label }) => isAmong(images, label));
  const nothing: Measured = {
    ...{ name: measure.name, value: null, interval: null, images: among.length, undefined: 0 },
    ...{ inverted: null, threshold: null, errorBound: null, markEverything: null },
  };
  const concluded = (found: Partial<Measured>, statistic: Concluded['statistic'] = null): Concluded => ({
    measured: { ...nothing, ...found },
    statistic,
  });
  if (measure.level === 'images') return concluded(valueOfScores(measure, among));
  if (isPooledRanking(measure)) {
    const binned = among.length === 0 ? null : readBins(measure, pixelsOfImages(images));
    return concluded(binned ?? {});
  }
  const of = <K extends Contribution['kind']>(kind: K) =>
    among.flatMap(({ contribution }) => (contribution?.kind === kind ? [contribution as Contributing<K>] : []));
  if (measure.at === 'best of the set') return concluded(bestOfSet(measure, of('sweep')));
  if (measure.taken === 'pooled') {
    const counts = of('counts').map(contribution => contribution.counts);
    if (counts.length === 0) return concluded({});
    const pooled = counts.reduce(addCounts, noCounts);
    const { value, isInverted } = valueOfCounts(measure, pooled);
    const everything = { tp: pooled.tp + pooled.fn, fp: pooled.fp + pooled.tn, fn: 0, tn: 0 };
    return concluded(
      {
        value,
        inverted: measure.inverse ? Number(isInverted) : null,
        markEverything: valueOfCounts(measure, everything).value,
      },
      times => valueOfCounts(measure, sumTimes(counts, times)).value,
    );
  }
  const values = of('value');
  const eachValue = values.map(({ value }) => value);
  const defined = values.flatMap(({ value }) => (value === null ? [] : [value]));
  return concluded(
    {
      value: mean(defined),
      images: defined.length,
      undefined: values.length - defined.length,
      inverted: measure.inverse ? values.filter(({ isInverted }) => isInverted).length : null,
      markEverything: mean(values.flatMap(({ floor }) => (floor === null ? [] : [floor]))),
    },
    times => meanTimes(eachValue, times),
  );
}

function valueOfScores({ of }: ImageMeasure, images: readonly Contributed[]): Partial<Measured> {
  const found = detection(
    images.map(({ contribution }) => (contribution as Contributing<'score'>).score),
    images.map(({ label }) => label),
    0.5,
  );
  if (of === 'sensitivity at 5 % false alarms') return { value: found.sensitivityAtFalseAlarms['5 %'] };
  return { value: found[of], interval: of === 'auc' ? found.aucInterval : null };
}

function readBins(measure: PixelMeasure, bins: ScoreHistogram): Partial<Measured> {
  const bounded: Bounded | null = measure.of === 'auc' ? bins.auc() : bins.averagePrecision();
  const { tampered, authentic } = bins.totals();
  const everything = [{ tampered, authentic }];
  const floor = measure.of === 'auc' ? areaUnderRoc(everything) : averagePrecisionOf(everything);
  return {
    value: orEmpty(measure, bounded?.value ?? null),
    errorBound: bounded?.errorBound ?? null,
    markEverything: orEmpty(measure, floor),
  };
}

function bestOfSet(measure: PixelMeasure, images: readonly Contributing<'sweep'>[]): Partial<Measured> {
  const valueAt = (i: number): number | null => {
    const counts = images.map(({ found, tampered, authentic }): Counts => {
      const [tp, fp] = [found[2 * i]!, found[2 * i + 1]!];
      return { tp, fp, fn: tampered - tp, tn: authentic - fp };
    });
    return valueOfMany(measure, counts);
  };
  let [value, threshold]: [number | null, number | null] = [null, null];
  for (const [i, swept] of sweptThresholds.entries()) {
    const here = valueAt(i);
    if (here !== null && (value === null || here > value)) [value, threshold] = [here, swept];
  }
  const everything = images.map(({ tampered, authentic }) => ({ tp: tampered, fp: authentic, fn: 0, tn: 0 }));
  return { value, threshold, markEverything: valueOfMany(measure, everything) };
}

function valueOfMany(measure: PixelMeasure, counts: readonly Counts[]): number | null {
  if (measure.taken === 'pooled') return valueOfCounts(measure, counts.reduce(addCounts, noCounts)).value;
  return mean(counts.map(c => valueOfCounts(measure, c).value).filter(value => value !== null));
}
