import type { Counts } from './counts.ts';
import { checkLengths } from './lengths.ts';

/** Whether a pixel at the threshold is predicted tampered: `>=` says yes. */
export type Comparison = '>' | '>=';

/** How many tampered and authentic pixels have one and the same score. */
export interface ScoreGroup {
  readonly tampered: number;
  readonly authentic: number;
}

/** A threshold that was searched for, and what it gives. A pixel is predicted tampered where its score > threshold. */
export interface BestThreshold {
  /** −Infinity predicts everything, +Infinity nothing. */
  readonly threshold: number;
  /** The counts that the value is of; those of the inverted prediction where `isInverted`. */
  readonly counts: Counts;
  readonly value: number;
  readonly isInverted: boolean;
}

/**
 * The pixels of one image in the order of their scores: every metric of the image follows from it, exactly, at any
 * threshold. It takes 12 bytes for each distinct score.
 */
export class Ranking {
  /** The distinct scores, highest first. */
  readonly scores: Float32Array;
  /** How many pixels are tampered, and how many authentic. */
  readonly tampered: number;
  readonly authentic: number;
  /** For each distinct score: the tampered, and the authentic pixels that score at least as much. */
  private readonly tp: Uint32Array;
  private readonly fp: Uint32Array;

  private constructor(scores: Float32Array, tp: Uint32Array, fp: Uint32Array) {
    this.scores = scores;
    this.tp = tp;
    this.fp = fp;
    this.tampered = tp.at(-1) ?? 0;
    this.authentic = fp.at(-1) ?? 0;
  }

  /**
   * @param scores - [H·W], raw, not thresholded, any range
   * @param labels - [H·W], 0 authentic, anything else tampered
   * @param valid - [H·W], 0 where a pixel is not scored; all are scored without it
   * @throws {ShapeError} when the arrays differ in length
   * @throws {RangeError} when a score is NaN
   */
  static of(scores: Float32Array, labels: ArrayLike<number>, valid?: ArrayLike<number>): Ranking {
    checkLengths('AUC', { scores, labels, valid });
    // Each class is sorted by itself, which typed arrays do fast.
    const [tampered, authentic] = sortedClasses(scores, labels, valid);
    const distinct = new Float32Array(countDistinct(tampered, authentic));
    const [tp, fp] = [new Uint32Array(distinct.length), new Uint32Array(distinct.length)];
    let [t, a] = [tampered.length, authentic.length];
    for (let i = 0; i < distinct.length; i++) {
      const score = highestOf(tampered, t, authentic, a);
      while (t > 0 && tampered[t - 1] === score) t--;
      while (a > 0 && authentic[a - 1] === score) a--;
      distinct[i] = score;
      tp[i] = tampered.length - t;
      fp[i] = authentic.length - a;
    }
    return new Ranking(distinct, tp, fp);
  }

  /** So many pixels of one and the same score. */
  static ofConstant(score: number, tampered: number, authentic: number): Ranking {
    if (tampered + authentic === 0) return new Ranking(new Float32Array(0), new Uint32Array(0), new Uint32Array(0));
    return new Ranking(Float32Array.of(score), Uint32Array.of(tampered), Uint32Array.of(authentic));
  }

  /** How many pixels are scored. */
  get size(): number {
    return this.tampered + this.authentic;
  }

  /** The counts where pixels whose score is above (or at) the threshold are predicted tampered. */
  counts(threshold: number, comparison: Comparison = '>'): Counts {
    return this.countsOfFirst(this.countScores(threshold, comparison));
  }

  /** Counts where each pixel is predicted tampered by as much as it scores, scores being in [0, 1]: TP = Σ p·mask, … */
  softCounts(): Counts {
    let [tp, fp] = [0, 0];
    let i = 0;
    for (const { tampered, authentic } of this.groups()) {
      const score = this.scores[i++]!;
      tp += score * tampered;
      fp += score * authentic;
    }
    return { tp, fp, fn: this.tampered - tp, tn: this.authentic - fp };
  }

  /** Area under the ROC curve, ties counting half. Null where all pixels are one class. */
  auc(): number | null {
    return areaUnderRoc(this.groups());
  }

  /** Average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ. Null where nothing is tampered. */
  averagePrecision(): number | null {
    return averagePrecisionOf(this.groups());
  }

  /**
   * The threshold at which a metric is highest, out of every one that makes a difference, the highest of equals. It is
   * an oracle: nobody knows it without the truth.
   *
   * @param inverse - whether the inverted prediction may be taken, where that is better
   * @returns null where the metric is undefined at every threshold
   */
  best(metric: (counts: Counts) => number | null, { inverse = false } = {}): BestThreshold | null {
    let best: BestThreshold | null = null;
    for (let i = 0; i <= this.scores.length; i++) {
      const plain = this.countsOfFirst(i);
      for (const isInverted of inverse ? [false, true] : [false]) {
        const counts = isInverted ? { tp: plain.fn, fp: plain.tn, fn: plain.tp, tn: plain.fp } : plain;
        const value = metric(counts);
        if (value !== null && (best === null || value > best.value))
          best = { threshold: this.thresholdBelow(i), counts, value, isInverted };
      }
    }
    return best;
  }

  /** The mean of the n highest scores, n ≥ 1. */
  meanOfHighest(n: number): number {
    let [sum, taken, i] = [0, 0, 0];
    for (const { tampered, authentic } of this.groups()) {
      const more = Math.min(tampered + authentic, n - taken);
      sum += more * this.scores[i++]!;
      taken += more;
      if (taken === n) break;
    }
    return sum / taken;
  }

  /** The groups of equal score, highest first. */
  *groups(): Generator<ScoreGroup> {
    for (let i = 0; i < this.scores.length; i++)
      yield {
        tampered: this.tp[i]! - (i === 0 ? 0 : this.tp[i - 1]!),
        authentic: this.fp[i]! - (i === 0 ? 0 : this.fp[i - 1]!),
      };
  }

  /** How many distinct scores are above (or at) the threshold, by bisection. */
  private countScores(threshold: number, comparison: Comparison): number {
    let [low, high] = [0, this.scores.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const score = this.scores[middle]!;
      if (comparison === '>' ? score > threshold : score >= threshold) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The counts where the pixels of the first `n` distinct scores are predicted tampered. */
  private countsOfFirst(n: number): Counts {
    const [tp, fp] = n === 0 ? [0, 0] : [this.tp[n - 1]!, this.fp[n - 1]!];
    return { tp, fp, fn: this.tampered - tp, tn: this.authentic - fp };
  }

  /** A threshold that the first `n` distinct scores are above, and no other. */
  private thresholdBelow(n: number): number {
    return n === 0 ? Infinity : (this.scores[n] ?? -Infinity);
  }
}

/**
 * Area under the ROC curve: the probability that a tampered pixel scores higher than an authentic one, ties counting
 * half. Exact. Null where all labels are one class.
 *
 * @param scores - raw scores, not thresholded, any range
 * @param labels - 0 authentic, anything else tampered
 * @throws {ShapeError} when the arrays differ in length
 * @throws {RangeError} when a score is NaN
 */
export const aucFromScores = (scores: Float32Array, labels: ArrayLike<number>): number | null =>
  Ranking.of(scores, labels).auc();

/**
 * Average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct scores from the highest down, without interpolation. Exact.
 * Null where nothing is tampered.
 *
 * @param scores - raw scores, not thresholded, any range
 * @param labels - 0 authentic, anything else tampered
 * @throws {ShapeError} when the arrays differ in length
 * @throws {RangeError} when a score is NaN
 */
export const averagePrecision = (scores: Float32Array, labels: ArrayLike<number>): number | null =>
  Ranking.of(scores, labels).averagePrecision();

/** Trapezoids under the ROC curve: a group of ties, highest first, is one slanted step. */
export function areaUnderRoc(groups: Iterable<ScoreGroup>): number | null {
  let [tp, fp, area] = [0, 0, 0];
  for (const { tampered, authentic } of groups) {
    area += authentic * (tp + tampered / 2);
    tp += tampered;
    fp += authentic;
  }
  return tp === 0 || fp === 0 ? null : area / (tp * fp);
}

/** Average precision of groups of ties, highest first. */
export function averagePrecisionOf(groups: Iterable<ScoreGroup>): number | null {
  let [tp, fp, sum] = [0, 0, 0];
  for (const { tampered, authentic } of groups) {
    tp += tampered;
    fp += authentic;
    if (tampered > 0) sum += tampered * (tp / (tp + fp));
  }
  return tp === 0 ? null : sum / tp;
}

/** The scores of the tampered and of the authentic pixels, each lowest first. */
function sortedClasses(
  scores: Float32Array,
  labels: ArrayLike<number>,
  valid?: ArrayLike<number>,
): [tampered: Float32Array, authentic: Float32Array] {
  const [tampered, authentic] = [new Float32Array(scores.length), new Float32Array(scores.length)];
  let [t, a] = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    if (valid && !valid[i]) continue;
    const score = scores[i]!;
    if (Number.isNaN(score)) throw new RangeError('AUC: a score is NaN, which has no rank');
    if (labels[i]) tampered[t++] = score;
    else authentic[a++] = score;
  }
  return [tampered.subarray(0, t).sort(), authentic.subarray(0, a).sort()];
}

const highestOf = (tampered: Float32Array, t: number, authentic: Float32Array, a: number): number =>
  Math.max(t > 0 ? tampered[t - 1]! : -Infinity, a > 0 ? authentic[a - 1]! : -Infinity);

function countDistinct(tampered: Float32Array, authentic: Float32Array): number {
  let [t, a, distinct] = [tampered.length, authentic.length, 0];
  for (; t > 0 || a > 0; distinct++) {
    const score = highestOf(tampered, t, authentic, a);
    while (t > 0 && tampered[t - 1] === score) t--;
    while (a > 0 && authentic[a - 1] === score) a--;
  }
  return distinct;
}
