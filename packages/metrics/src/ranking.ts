import { checkLengths } from './lengths.ts';

/**
 * Area under the ROC curve: the probability that a tampered pixel scores higher than an authentic one, ties counting
 * half. Exact. Null where all labels are one class.
 *
 * @param scores - raw scores, not thresholded, any range
 * @param labels - 0 authentic, anything else tampered
 * @throws {ShapeError} when the arrays differ in length
 * @throws {RangeError} when a score is NaN
 */
export function aucFromScores(scores: Float32Array, labels: Uint8Array): number | null {
  return areaUnderRoc(groupsOfEqualScore(scores, labels));
}

/**
 * Average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ over the distinct scores from the highest down, without interpolation. Exact.
 * Null where nothing is tampered.
 *
 * @param scores - raw scores, not thresholded, any range
 * @param labels - 0 authentic, anything else tampered
 * @throws {ShapeError} when the arrays differ in length
 * @throws {RangeError} when a score is NaN
 */
export function averagePrecision(scores: Float32Array, labels: Uint8Array): number | null {
  let [tp, fp, sum] = [0, 0, 0];
  for (const { tampered, authentic } of groupsOfEqualScore(scores, labels)) {
    tp += tampered;
    fp += authentic;
    sum += tampered * (tp / (tp + fp));
  }
  return tp === 0 ? null : sum / tp;
}

/** An area under the ROC curve from binned scores; the exact one is within `errorBound` of `auc`. */
export interface BinnedAuc {
  readonly auc: number;
  readonly errorBound: number;
}

/**
 * Scores of any number of pixels in 65 536 equal bins over [0, 1], from which the pooled AUC of a whole dataset is
 * read in constant memory (1 MiB).
 *
 * Two scores in one bin count as a tie (½) where the truth is 0, ½ or 1. So the AUC is off by at most half the
 * fraction of (tampered, authentic) pairs that share a bin. That bound comes with the AUC.
 */
export class ScoreHistogram {
  private readonly tampered = new Float64Array(bins);
  private readonly authentic = new Float64Array(bins);

  /**
   * Adds the pixels of one image.
   *
   * @param scores - [H·W], in [0, 1]
   * @param labels - [H·W], 0 authentic, anything else tampered
   * @throws {ShapeError} when the arrays differ in length
   * @throws {RangeError} when a score is outside [0, 1] or NaN
   */
  add(scores: Float32Array, labels: Uint8Array): void {
    checkLengths('ScoreHistogram', { scores, labels });
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i]!;
      if (!(score >= 0 && score <= 1)) throw new RangeError(`ScoreHistogram: score ${score} is outside [0, 1]`);
      const bin = Math.min(Math.floor(score * bins), bins - 1);
      (labels[i] ? this.tampered : this.authentic)[bin]! += 1;
    }
  }

  /** The AUC of all pixels added so far. Null where they are all one class. */
  auc(): BinnedAuc | null {
    const auc = areaUnderRoc(this.groups());
    if (auc === null) return null;
    let [tampered, authentic, sharedPairs] = [0, 0, 0];
    for (const group of this.groups()) {
      tampered += group.tampered;
      authentic += group.authentic;
      sharedPairs += group.tampered * group.authentic;
    }
    return { auc, errorBound: sharedPairs / (2 * tampered * authentic) };
  }

  private *groups(): Generator<Group> {
    for (let bin = bins - 1; bin >= 0; bin--) yield { tampered: this.tampered[bin]!, authentic: this.authentic[bin]! };
  }
}

const bins = 65_536;

/** How many tampered and authentic pixels have one and the same score. */
interface Group {
  readonly tampered: number;
  readonly authentic: number;
}

/** Trapezoids under the ROC curve: a group of ties is one slanted step. */
function areaUnderRoc(groups: Iterable<Group>): number | null {
  let [tp, fp, area] = [0, 0, 0];
  for (const { tampered, authentic } of groups) {
    area += authentic * (tp + tampered / 2);
    tp += tampered;
    fp += authentic;
  }
  return tp === 0 || fp === 0 ? null : area / (tp * fp);
}

/** The groups of equal score, highest first. Each class is sorted by itself, which typed arrays do fast. */
function* groupsOfEqualScore(scores: Float32Array, labels: Uint8Array): Generator<Group> {
  checkLengths('AUC', { scores, labels });
  if (scores.some(Number.isNaN)) throw new RangeError('AUC: a score is NaN, which has no rank');
  const tampered = scores.filter((_, i) => labels[i] !== 0).sort();
  const authentic = scores.filter((_, i) => labels[i] === 0).sort();
  let [t, a] = [tampered.length, authentic.length];
  while (t > 0 || a > 0) {
    const score = Math.max(tampered[t - 1] ?? -Infinity, authentic[a - 1] ?? -Infinity);
    const before = { t, a };
    while (t > 0 && tampered[t - 1] === score) t--;
    while (a > 0 && authentic[a - 1] === score) a--;
    yield { tampered: before.t - t, authentic: before.a - a };
  }
}
