import type { Interval } from './bootstrap.ts';
import { bootstrap, meanTimes, sumTimes } from './bootstrap.ts';
import type { Counts } from './counts.ts';
import {
  addCounts,
  dice,
  f1,
  hasTampered,
  iou,
  markEverything,
  mcc,
  noCounts,
  pixelsOf,
  precision,
  recall,
  specificity,
} from './counts.ts';
import type { Detection, PoolingRule } from './detection.ts';
import { detection, poolingRules, poolScore } from './detection.ts';
import { mean } from './mean.ts';
import type { Ranking } from './ranking.ts';
import type { CurvePoint, HistogramBin, ScoreHistogram } from './score-histogram.ts';

/** One image, looked at once; every number of a summary is derived from this. */
export interface ImageScores {
  /** Names the image among those of its summary: sums are taken in the order of these names. */
  readonly key: string;
  readonly counts: Counts;
  /** AUC of the image's pixels. Null where they are all one class. */
  readonly auc: number | null;
  /** Average precision of the image's pixels. Null where none is tampered. */
  readonly averagePrecision: number | null;
  /**
   * The highest F1 of any threshold, an oracle. Null where no pixel is tampered; the threshold is null where marking
   * everything is best.
   */
  readonly best: { readonly f1: number; readonly threshold: number | null } | null;
  /** One score of the whole image by each rule, in [0, 1]. */
  readonly scores: Readonly<Record<string, number>>;
  /** TP and FP at each of `sweptThresholds`, in turn: [2 · thresholds]. */
  readonly sweep: Uint32Array;
}

/** The thresholds out of which the best one for a data set is taken: 0.00, 0.01, …, 0.99. */
export const sweptThresholds: readonly number[] = Array.from({ length: 100 }, (_, i) => i / 100);

/** A metric taken both ways: the mean of the images' values, and the value of all their pixels together. */
export interface Taken {
  readonly perImage: number | null;
  readonly pooled: number | null;
}

/** As `Taken`, where the metric may be undefined: the mean is of the images that define it. */
export interface TakenWhereDefined extends Taken {
  /** Images for which it is undefined. */
  readonly excluded: number;
}

/** As `TakenWhereDefined`, pooled from bins: the exact pooled value is within `pooledErrorBound`. */
export interface TakenBinned extends TakenWhereDefined {
  readonly pooledErrorBound: number | null;
}

/** A value and the threshold that was chosen for it on the very images that it is of. */
export interface Tuned {
  readonly value: number;
  readonly threshold: number;
}

/**
 * The scores of a set of images at one threshold.
 *
 * Tampered and authentic images are never mixed: F1, IoU, Dice and AUC are of the tampered ones, and the authentic
 * ones, where those are undefined, are scored by what is flagged although nothing is there. Only `detection` is of both.
 */
export interface Summary {
  readonly tampered: {
    /** Images with at least one tampered pixel. */
    readonly images: number;
    readonly f1: Taken;
    readonly iou: Taken;
    readonly dice: Taken;
    /** Undefined where nothing is predicted. */
    readonly precision: TakenWhereDefined;
    readonly recall: Taken;
    /** Undefined where prediction or truth is all one class. */
    readonly mcc: TakenWhereDefined;
    /** Wholly tampered images have no AUC. */
    readonly auc: TakenBinned;
    readonly averagePrecision: TakenBinned;
    /** Oracles: thresholds chosen with the truth of what they are measured on. */
    readonly f1AtBestThreshold: {
      /** Mean of the best of each image, out of all thresholds. */
      readonly ofEachImage: number | null;
      /** One threshold for all images, out of `sweptThresholds`: of the mean of the images, and of the pooled pixels. */
      readonly ofTheSet: { readonly perImage: Tuned | null; readonly pooled: Tuned | null };
    };
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
  /** Tampered against authentic images, by one score of each image; one for each rule, by the rule's name. */
  readonly detection: Readonly<Record<string, Detection>>;
  /** 95 % bootstrap intervals over images. Null where they are too few. */
  readonly intervals: Readonly<Record<IntervalName, Interval | null>>;
  /** ROC and precision-recall curve of the pooled pixels of the tampered images; at most 200 points. */
  readonly curve: readonly CurvePoint[];
  /** The probabilities of the pixels of all images. */
  readonly histogram: readonly HistogramBin[];
}

export type IntervalName =
  'f1.perImage' | 'f1.pooled' | 'iou.perImage' | 'iou.pooled' | 'auc.perImage' | 'specificity' | 'falseAlarmArea';

/**
 * Scores one image.
 *
 * @param pixels - its probabilities, in [0, 1]
 * @param key - names the image
 * @param scores - scores of the whole image that the model gives, in [0, 1]; those of `poolingRules` are added
 */
export function scoreImage(
  pixels: Ranking,
  threshold: number,
  { key = '', scores = {} }: { key?: string; scores?: Readonly<Record<string, number>> } = {},
): ImageScores {
  const best = pixels.best(f1);
  const sweep = new Uint32Array(2 * sweptThresholds.length);
  for (const [i, swept] of sweptThresholds.entries()) {
    const { tp, fp } = pixels.counts(swept);
    sweep.set([tp, fp], 2 * i);
  }
  const rules = Object.keys(poolingRules) as PoolingRule[];
  return {
    key,
    counts: pixels.counts(threshold),
    auc: pixels.auc(),
    averagePrecision: pixels.averagePrecision(),
    best: best && { f1: best.value, threshold: best.threshold === -Infinity ? null : best.threshold },
    scores: { ...scores, ...Object.fromEntries(rules.map(rule => [rule, poolScore(pixels, rule)])) },
    sweep,
  };
}

/** Whether an image has a tampered pixel. */
export const isTampered = ({ counts }: Pick<ImageScores, 'counts'>): boolean => hasTampered(counts);

/** The pixels of a set of images, by whether the image is tampered. */
export interface PooledPixels {
  readonly tampered: ScoreHistogram;
  readonly authentic: ScoreHistogram;
}

/**
 * Sums up the scores of images. The order in which they are given does not matter, to the last bit.
 *
 * @param pixels - the pixels of these images
 * @param threshold - the one that they were scored at; images are called tampered above it, too
 */
export function summarize(images: readonly ImageScores[], pixels: PooledPixels, threshold = 0.5): Summary {
  const inOrder = images.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const tampered = inOrder.filter(isTampered);
  const authentic = inOrder.filter(image => !isTampered(image));
  const auc = whereDefined(tampered.map(image => image.auc));
  const precisionOfImages = whereDefined(tampered.map(image => image.averagePrecision));
  const pooledAuc = pixels.tampered.auc();
  const pooledPrecision = pixels.tampered.averagePrecision();
  const all = pixels.tampered.equalBins();
  const authenticBins = pixels.authentic.equalBins();
  return {
    tampered: {
      images: tampered.length,
      f1: taken(tampered, f1),
      iou: taken(tampered, iou),
      dice: taken(tampered, dice),
      precision: takenWhereDefined(tampered, precision),
      recall: taken(tampered, recall),
      mcc: takenWhereDefined(tampered, mcc),
      auc: { ...auc, pooled: pooledAuc?.value ?? null, pooledErrorBound: pooledAuc?.errorBound ?? null },
      averagePrecision: {
        ...precisionOfImages,
        pooled: pooledPrecision?.value ?? null,
        pooledErrorBound: pooledPrecision?.errorBound ?? null,
      },
      f1AtBestThreshold: {
        ofEachImage: mean(tampered.map(({ best }) => best!.f1)),
        ofTheSet: bestOfSweep(tampered),
      },
      markEverything: taken(tampered, floor),
    },
    authentic: {
      images: authentic.length,
      specificity: specificity(pool(authentic)),
      falseAlarmArea: mean(authentic.map(flaggedArea)),
      imagesFlagged: authentic.filter(({ counts }) => counts.fp > 0).length,
    },
    detection: detectionByRule(inOrder, threshold),
    intervals: { ...intervalsOfTampered(tampered), ...intervalsOfAuthentic(authentic) },
    curve: pixels.tampered.curve(),
    histogram: all.map((bin, i) => ({ ...bin, authentic: bin.authentic + authenticBins[i]!.authentic })),
  };
}

const pool = (images: readonly ImageScores[]) => images.map(({ counts }) => counts).reduce(addCounts, noCounts);

const flaggedArea = ({ counts: { fp, tn } }: ImageScores) => fp / (fp + tn);

/** A metric that every one of the images defines. */
const taken = (images: readonly ImageScores[], metric: (counts: Counts) => number | null): Taken => ({
  perImage: mean(images.map(({ counts }) => metric(counts)!)),
  pooled: metric(pool(images)),
});

const takenWhereDefined = (
  images: readonly ImageScores[],
  metric: (counts: Counts) => number | null,
): TakenWhereDefined => ({
  ...whereDefined(images.map(({ counts }) => metric(counts))),
  pooled: metric(pool(images)),
});

function whereDefined(values: readonly (number | null)[]): { perImage: number | null; excluded: number } {
  const defined = values.filter(value => value !== null);
  return { perImage: mean(defined), excluded: values.length - defined.length };
}

function floor(counts: Counts): number | null {
  const { tp, fn } = counts;
  return tp + fn === 0 ? null : markEverything((tp + fn) / pixelsOf(counts));
}

/** The threshold of the sweep that is best for all images together, by their mean F1 and by the F1 of their pixels. */
function bestOfSweep(images: readonly ImageScores[]): { perImage: Tuned | null; pooled: Tuned | null } {
  const countsAt = ({ counts, sweep }: ImageScores, i: number): Counts => {
    const [tp, fp] = [sweep[2 * i]!, sweep[2 * i + 1]!];
    return { tp, fp, fn: counts.tp + counts.fn - tp, tn: counts.fp + counts.tn - fp };
  };
  const highest = (value: (i: number) => number | null): Tuned | null =>
    sweptThresholds.reduce<Tuned | null>((best, threshold, i) => {
      const here = value(i);
      return here !== null && (best === null || here > best.value) ? { value: here, threshold } : best;
    }, null);
  return {
    perImage: highest(i => mean(images.map(image => f1(countsAt(image, i))!))),
    pooled: highest(i => f1(images.map(image => countsAt(image, i)).reduce(addCounts, noCounts))),
  };
}

function detectionByRule(images: readonly ImageScores[], threshold: number): Record<string, Detection> {
  const labels = images.map(image => (isTampered(image) ? 1 : 0));
  const rules = Object.keys(images[0]?.scores ?? {});
  return Object.fromEntries(
    rules.map(rule => [
      rule,
      detection(
        images.map(({ scores }) => scores[rule]!),
        labels,
        threshold,
      ),
    ]),
  );
}

function intervalsOfTampered(images: readonly ImageScores[]) {
  const counts = images.map(image => image.counts);
  const [f1OfEach, iouOfEach, aucOfEach] = [counts.map(f1), counts.map(iou), images.map(({ auc }) => auc)];
  const [meanF1, meanIou, meanAuc, pooledF1, pooledIou] = bootstrap(images.length, times => {
    const pooled = sumTimes(counts, times);
    return [
      meanTimes(f1OfEach, times),
      meanTimes(iouOfEach, times),
      meanTimes(aucOfEach, times),
      f1(pooled),
      iou(pooled),
    ];
  });
  return {
    'f1.perImage': meanF1!,
    'f1.pooled': pooledF1!,
    'iou.perImage': meanIou!,
    'iou.pooled': pooledIou!,
    'auc.perImage': meanAuc!,
  };
}

function intervalsOfAuthentic(images: readonly ImageScores[]) {
  const areas = images.map(flaggedArea);
  const counts = images.map(image => image.counts);
  const [spared, area] = bootstrap(images.length, times => [
    specificity(sumTimes(counts, times)),
    meanTimes(areas, times),
  ]);
  return { specificity: spared!, falseAlarmArea: area! };
}
