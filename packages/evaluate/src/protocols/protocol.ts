import type { BorderBand, Comparison, PoolingRule } from '@forgelens/metrics';

/** Where a probability becomes a prediction. */
export interface Threshold {
  readonly value: number;
  /** Whether a pixel at the threshold is predicted: `>=` says yes. */
  readonly comparison: Comparison;
}

/** How the levels of a mask's file, 0–255, say what is tampered: those on the upper side of the threshold. */
export interface TruthRule extends Threshold {
  /** Levels are stretched first, so that the highest one of the mask is 255. */
  readonly isStretched?: true;
}

/** Which images a number is of, by their label. */
export type Images = 'tampered' | 'authentic' | 'all';

/** The value of a metric where it is 0 / 0. What is `undefined` is left out of the mean, and counted. */
export type EmptyValue = number | 'undefined';

/** A metric of pixels: how it is computed, and how the images make one number. */
export interface PixelMeasure {
  /** As the original names it. */
  readonly name: string;
  readonly level: 'pixels';
  readonly of: CountMetric | 'auc' | 'averagePrecision';
  /** The mean of the images' values, or one value of the pixels of all images together. */
  readonly taken: 'per image' | 'pooled';
  /**
   * What is counted: the prediction at the protocol's threshold unless said; at the best threshold of each image, out of
   * all; at the one that is best for the set, out of 0.00, 0.01, …, 0.99; or, soft, the probabilities themselves. AUC
   * and average precision have none.
   */
  readonly at?: Threshold | 'best of each image' | 'best of the set' | 'soft';
  /** Takes the prediction or its inverse for each image, whichever is better: an oracle. */
  readonly inverse?: true;
  readonly empty: EmptyValue;
  /** Undefined where truth and prediction are one and the same class everywhere, whatever `empty` says. */
  readonly isUndefinedWhereOneClass?: true;
  /** Undefined where no pixel is authentic, whatever `empty` says. */
  readonly isUndefinedWithoutAuthentic?: true;
  /** Added to numerator and denominator. */
  readonly smoothing?: number;
  /** The border band is scored, although the protocol has one. */
  readonly withBorder?: true;
  /** The protocol's unless said. */
  readonly images?: Images;
}

/** A metric of images, by one score of each: how well it tells tampered from authentic ones. */
export interface ImageMeasure {
  readonly name: string;
  readonly level: 'images';
  readonly of: 'auc' | 'averagePrecision' | 'balancedAccuracy' | 'f1' | 'sensitivity at 5 % false alarms';
  /** Whose score: the model's own, or one of its map. Where a metric needs a threshold, it is > 0.5. */
  readonly score: 'model' | PoolingRule;
}

export type Measure = PixelMeasure | ImageMeasure;

/**
 * How numbers are taken, as data that one function interprets and that is stored in every result: on the same
 * predictions the convention alone moves F1 by a factor of two and more. Compare only numbers of one protocol.
 */
export interface Protocol {
  readonly name: string;
  /** Of its rules: raised when one changes. */
  readonly version: number;
  readonly title: string;
  /** The code that it reproduces. */
  readonly source: string;
  readonly truth: TruthRule;
  /** At which size map and truth are compared: the image's own, or this one, to which both are resized. */
  readonly size: 'image' | { readonly width: number; readonly height: number };
  readonly threshold: Threshold;
  /** Pixels along the border of the truth that are not scored. */
  readonly border: BorderBand | null;
  readonly images: Images;
  /** The headline first. */
  readonly measures: readonly Measure[];
  /** What is easily overlooked in the original, one sentence each. */
  readonly quirks: readonly string[];
  /** Where this cannot be what the original does, one sentence each. */
  readonly differences: readonly string[];
}

/** Metrics that follow from the counts of pixels; see `valueOfCounts`. */
export type CountMetric =
  | 'precision'
  | 'recall'
  | 'specificity'
  | 'falsePositiveRate'
  | 'falseAlarmArea'
  | 'accuracy'
  | 'balancedAccuracy'
  | 'f1'
  | 'iou'
  | 'mcc';
