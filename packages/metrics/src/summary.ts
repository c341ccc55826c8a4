import type { Counts } from './counts.ts';
import { addCounts, countPixels, dice, f1, iou, markEverything, noCounts, specificity } from './counts.ts';
import type { ScoreHistogram } from './ranking.ts';
import { aucFromScores } from './ranking.ts';

/** One image, counted once; every score of it is derived from this. */
export interface ImageScores {
  readonly counts: Counts;
  /** AUC of the image's pixels. Null where they are all one class. */
  readonly auc: number | null;
}

/** A metric taken both ways: the mean of the images' values, and the value of all their pixels together. */
export interface Taken {
  readonly perImage: number | null;
  readonly pooled: number | null;
}

/**
 * The scores of a set of images at one threshold.
 *
 * Tampered and authentic images are never mixed: F1, IoU, Dice and AUC are of the tampered ones, and the authentic
 * ones, where those are undefined, are scored by what is flagged although nothing is there.
 */
export interface Summary {
  readonly tampered: {
    /** Images with at least one tampered pixel. */
    readonly images: number;
    readonly f1: Taken;
    readonly iou: Taken;
    readonly dice: Taken;
    /** `excluded` images are wholly tampered and have no AUC; the exact pooled AUC is within `pooledErrorBound`. */
    readonly auc: Taken & { readonly pooledErrorBound: number | null; readonly excluded: number };
    /** The F1 of marking every pixel of every image. */
    readonly markEverything: Taken;
  };
  readonly authentic: {
    /** Images without a tampered pixel. They are excluded from everything in `tampered`. */
    readonly images: number;
    /** Of all pixels of these images, the fraction that is not flagged. */
    readonly specificity: number | null;
    /** Mean over these images of the fraction of the image that is flagged. */
    readonly falseAlarmArea: number | null;
    /** Images with at least one flagged pixel. */
    readonly imagesFlagged: number;
  };
}

/**
 * Scores one image.
 *
 * @param probabilities - [H·W], in [0, 1]
 * @param mask - [H·W], 0 authentic, anything else tampered
 * @throws {ShapeError} when the arrays differ in length
 */
export const scoreImage = (probabilities: Float32Array, mask: Uint8Array, threshold: number): ImageScores => ({
  counts: countPixels(probabilities, mask, threshold),
  auc: aucFromScores(probabilities, mask),
});

/** Whether an image has a tampered pixel. */
export const isTampered = ({ counts }: ImageScores): boolean => counts.tp + counts.fn > 0;

/**
 * Sums up the scores of images.
 *
 * @param tamperedPixels - the pixels of the tampered images among them, for the pooled AUC
 */
export function summarize(images: readonly ImageScores[], tamperedPixels: ScoreHistogram): Summary {
  const tampered = images.filter(isTampered);
  const authentic = images.filter(image => !isTampered(image));
  const aucs = tampered.flatMap(({ auc }) => (auc === null ? [] : [auc]));
  const pooledAuc = tamperedPixels.auc();
  const taken = (metric: (counts: Counts) => number | null): Taken => ({
    perImage: mean(tampered.map(({ counts }) => metric(counts)!)),
    pooled: metric(pool(tampered)),
  });
  return {
    tampered: {
      images: tampered.length,
      f1: taken(f1),
      iou: taken(iou),
      dice: taken(dice),
      auc: {
        perImage: mean(aucs),
        pooled: pooledAuc?.auc ?? null,
        pooledErrorBound: pooledAuc?.errorBound ?? null,
        excluded: tampered.length - aucs.length,
      },
      markEverything: taken(floor),
    },
    authentic: {
      images: authentic.length,
      specificity: specificity(pool(authentic)),
      falseAlarmArea: mean(authentic.map(({ counts: { fp, tn } }) => fp / (fp + tn))),
      imagesFlagged: authentic.filter(({ counts }) => counts.fp > 0).length,
    },
  };
}

const pool = (images: readonly ImageScores[]) => images.map(({ counts }) => counts).reduce(addCounts, noCounts);

const mean = (values: readonly number[]) =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

function floor({ tp, fp, fn, tn }: Counts): number | null {
  return tp + fn === 0 ? null : markEverything((tp + fn) / (tp + fp + fn + tn));
}
