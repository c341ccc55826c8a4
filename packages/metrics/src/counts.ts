import { checkLengths } from './lengths.ts';

/** Pixels of one image, or of many, by prediction and mask: true and false, positive (tampered) and negative. */
export interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly tn: number;
}

/** The counts of no pixel at all, where sums start. */
export const noCounts: Counts = { tp: 0, fp: 0, fn: 0, tn: 0 };

/**
 * Counts the pixels of a prediction against a mask. A pixel is predicted tampered where its probability is greater
 * than `threshold` (`>`, so that 0.5 at the threshold 0.5 is authentic).
 *
 * @param probabilities - [H·W], in [0, 1]; a prediction of 0 and 1 counts the same at any threshold in [0, 1)
 * @param mask - [H·W], 0 authentic, anything else tampered
 * @param valid - [H·W], 0 where a pixel is not scored (padding, an ignored border); all are scored without it
 * @throws {ShapeError} when the arrays differ in length
 */
export function countPixels(
  probabilities: ArrayLike<number>,
  mask: ArrayLike<number>,
  threshold: number,
  valid?: ArrayLike<number>,
): Counts {
  checkLengths('countPixels', { probabilities, mask, valid });
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (valid && !valid[i]) continue;
    if (probabilities[i]! > threshold) {
      if (mask[i]) tp++;
      else fp++;
    } else if (mask[i]) fn++;
    else tn++;
  }
  return { tp, fp, fn, tn };
}

/** The counts of two sets of pixels together. */
export const addCounts = (a: Counts, b: Counts): Counts => ({
  tp: a.tp + b.tp,
  fp: a.fp + b.fp,
  fn: a.fn + b.fn,
  tn: a.tn + b.tn,
});

/** The counts of the inverted prediction: what was marked is not, what was not is. */
export const invertCounts = ({ tp, fp, fn, tn }: Counts): Counts => ({ tp: fn, fp: tn, fn: tp, tn: fp });

/** All pixels that were counted. */
export const pixelsOf = ({ tp, fp, fn, tn }: Counts): number => tp + fp + fn + tn;

/** Whether any of them is tampered. */
export const hasTampered = ({ tp, fn }: Counts): boolean => tp + fn > 0;

/** Of the pixels predicted tampered, the fraction that is: TP / (TP + FP). Null where none is predicted. */
export const precision = ({ tp, fp }: Counts): number | null => ratio(tp, tp + fp);

/** Of the tampered pixels, the fraction that is found: TP / (TP + FN). Null where none is tampered. */
export const recall = ({ tp, fn }: Counts): number | null => ratio(tp, tp + fn);

/** Of the authentic pixels, the fraction that is left alone: TN / (TN + FP). Null where none is authentic. */
export const specificity = ({ tn, fp }: Counts): number | null => ratio(tn, tn + fp);

/** Of all pixels, the fraction that is authentic and flagged: FP / (TP + FP + FN + TN). Null without a pixel. */
export const falseAlarmArea = (c: Counts): number | null => ratio(c.fp, pixelsOf(c));

/** Of all pixels, the fraction whose class is predicted: (TP + TN) / (TP + FP + FN + TN). Null without a pixel. */
export const accuracy = (c: Counts): number | null => ratio(c.tp + c.tn, pixelsOf(c));

/** Mean of recall and specificity. Null where the truth is all one class. */
export function balancedAccuracy(c: Counts): number | null {
  const [sensitivity, specific] = [recall(c), specificity(c)];
  return sensitivity === null || specific === null ? null : (sensitivity + specific) / 2;
}

/**
 * F1 = 2·TP / (2·TP + FP + FN), the harmonic mean of precision and recall.
 *
 * Null where no pixel is tampered: an authentic image has no recall and so no F1, neither 0 nor 1. It is 0 where some
 * pixel is tampered and none is found.
 */
export const f1 = (c: Counts): number | null => whereTampered(c, (2 * c.tp) / (2 * c.tp + c.fp + c.fn));

/** Dice coefficient of prediction and mask. For sets of pixels it is the same number as F1. */
export const dice = f1;

/** Intersection over union of prediction and mask, TP / (TP + FP + FN). Null where no pixel is tampered, as F1. */
export const iou = (c: Counts): number | null => whereTampered(c, c.tp / (c.tp + c.fp + c.fn));

/**
 * Matthews correlation coefficient, in [−1, 1]: (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)).
 *
 * Null where prediction or mask is all one class. Unlike scikit-learn, which says 0 there.
 */
export function mcc({ tp, fp, fn, tn }: Counts): number | null {
  const scale = Math.sqrt((tp + fp) * (tp + fn)) * Math.sqrt((tn + fp) * (tn + fn));
  return ratio(tp * tn - fp * fn, scale);
}

/**
 * The F1 of marking every pixel as tampered, 2p / (1 + p): what any method reaches without looking at the image.
 *
 * @param tamperedFraction - p, the fraction of pixels that is tampered, in (0, 1]
 */
export const markEverything = (tamperedFraction: number): number => (2 * tamperedFraction) / (1 + tamperedFraction);

const ratio = (numerator: number, denominator: number) => (denominator === 0 ? null : numerator / denominator);
const whereTampered = ({ tp, fn }: Counts, value: number) => (tp + fn === 0 ? null : value);
