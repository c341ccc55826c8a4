import type { Counts } from '@forgelens/metrics';
import { balancedAccuracy, invertCounts, mcc, pixelsOf } from '@forgelens/metrics';
import type { CountMetric, PixelMeasure } from './protocol.ts';

/** Metrics that are fractions, by numerator and denominator. */
const fractions: Readonly<Partial<Record<CountMetric, (c: Counts) => readonly [number, number]>>> = {
  precision: ({ tp, fp }) => [tp, tp + fp],
  recall: ({ tp, fn }) => [tp, tp + fn],
  specificity: ({ tn, fp }) => [tn, tn + fp],
  falsePositiveRate: ({ tn, fp }) => [fp, tn + fp],
  falseAlarmArea: c => [c.fp, pixelsOf(c)],
  accuracy: c => [c.tp + c.tn, pixelsOf(c)],
  f1: ({ tp, fp, fn }) => [2 * tp, 2 * tp + fp + fn],
  iou: ({ tp, fp, fn }) => [tp, tp + fp + fn],
};

/** The value of a measure, and whether the inverted prediction gave it. */
export interface Valued {
  readonly value: number | null;
  readonly isInverted: boolean;
}

/** The value of a measure where these are the counts. Null where it is undefined. */
export function valueOfCounts(measure: PixelMeasure, counts: Counts): Valued {
  const pixels = pixelsOf(counts);
  const isOneClass = counts.tp === pixels || counts.tn === pixels;
  const plain = measure.isUndefinedWhereOneClass && isOneClass ? null : plainValue(measure, counts);
  if (!measure.inverse || plain === null) return { value: plain, isInverted: false };
  const inverted = plainValue(measure, invertCounts(counts));
  return inverted !== null && inverted > plain
    ? { value: inverted, isInverted: true }
    : { value: plain, isInverted: false };
}

/** As `valueOfCounts`, of the prediction alone, and where one class is no reason to be undefined. */
export function plainValue(measure: PixelMeasure, counts: Counts): number | null {
  const { of, smoothing = 0 } = measure;
  if (pixelsOf(counts) === 0) return null;
  if (of === 'mcc') return orEmpty(measure, mcc(counts));
  if (of === 'balancedAccuracy') return orEmpty(measure, balancedAccuracy(counts));
  const [numerator, denominator] = fractions[of as CountMetric]!(counts);
  return orEmpty(measure, denominator + smoothing === 0 ? null : (numerator + smoothing) / (denominator + smoothing));
}

/** A value, or what the measure says where there is none. */
export function orEmpty({ empty }: PixelMeasure, value: number | null): number | null {
  if (value !== null) return value;
  return empty === 'undefined' ? null : empty;
}
