import type { Counts } from './counts.ts';
import { checkLengths } from './lengths.ts';
import type { ScoreGroup } from './ranking.ts';
import { areaUnderRoc } from './ranking.ts';

/** A value of binned scores; the exact one is within `errorBound` of it (and the rounding of doubles, some 1e-12). */
export interface Bounded {
  readonly value: number;
  readonly errorBound: number;
}

/** One point of the ROC and of the precision-recall curve: pixels that score at least `threshold` are predicted. */
export interface CurvePoint {
  readonly threshold: number;
  /** Of the tampered pixels, the fraction that is found: recall, the true-positive rate. */
  readonly recall: number;
  /** Of the authentic pixels, the fraction that is flagged. */
  readonly falsePositiveRate: number;
  /** Null where nothing is predicted. */
  readonly precision: number | null;
}

/** Pixels whose probability is in [from, to), or in [from, to] for the last one. */
export interface HistogramBin {
  readonly from: number;
  readonly to: number;
  readonly tampered: number;
  readonly authentic: number;
}

/** Everything below is one bin. */
const smallest = 2 ** -32;
/** Of a float32's 23 bits of fraction 12 are kept: 4096 bins for each factor of two. */
const shift = 11;
const [scratch, scratchBits] = (() => {
  const floats = new Float32Array(1);
  return [floats, new Uint32Array(floats.buffer)];
})();
const bitsOf = (x: number): number => {
  scratch[0] = x;
  return scratchBits[0]!;
};
const firstBits = bitsOf(smallest) >>> shift;
const half = (bitsOf(0.5) >>> shift) - firstBits + 1;
const bins = 2 * half;

/**
 * Scores of any number of pixels in 253 954 bins over [0, 1], from which pooled AUC and average precision of a whole
 * data set are read in constant memory (4 MB), each with the bound of its error.
 *
 * Networks are sure of most pixels: bins are therefore as narrow, relative to the distance from 0 below one half and
 * from 1 above it, as 1/4096 or better, down to 2⁻³².
 *
 * Counts are whole numbers: added in any order, or in parts that are merged, they are the same to the last bit, up to
 * 2⁵³ pixels.
 */
export class ScoreHistogram {
  private readonly tampered = new Float64Array(bins);
  private readonly authentic = new Float64Array(bins);

  /**
   * Adds the pixels of one image.
   *
   * @param scores - [H·W], in [0, 1]
   * @param labels - [H·W], 0 authentic, anything else tampered
   * @param valid - [H·W], 0 where a pixel is not scored; all are scored without it
   * @throws {ShapeError} when the arrays differ in length
   * @throws {RangeError} when a score is outside [0, 1] or NaN
   */
  add(scores: Float32Array, labels: ArrayLike<number>, valid?: ArrayLike<number>): void {
    checkLengths('ScoreHistogram', { scores, labels, valid });
    const { tampered, authentic } = this;
    for (let i = 0; i < scores.length; i++) {
      if (valid && !valid[i]) continue;
      const score = scores[i]!;
      if (!(score >= 0 && score <= 1)) throw new RangeError(`ScoreHistogram: score ${score} is outside [0, 1]`);
      const bin = binOf(score);
      if (labels[i]) tampered[bin]!++;
      else authentic[bin]!++;
    }
  }

  /** Adds all pixels of another histogram. */
  merge(other: ScoreHistogram): void {
    for (let bin = 0; bin < bins; bin++) {
      this.tampered[bin]! += other.tampered[bin]!;
      this.authentic[bin]! += other.authentic[bin]!;
    }
  }

  /** What `fromCounts` makes the histogram of: how many tampered, then how many authentic pixels each bin has. */
  toCounts(): Float64Array {
    const counts = new Float64Array(2 * bins);
    counts.set(this.tampered);
    counts.set(this.authentic, bins);
    return counts;
  }

  static fromCounts(counts: Float64Array): ScoreHistogram {
    const histogram = new ScoreHistogram();
    histogram.tampered.set(counts.subarray(0, bins));
    histogram.authentic.set(counts.subarray(bins));
    return histogram;
  }

  /**
   * The AUC of all pixels added so far. Null where they are all one class.
   *
   * Two scores of one bin count as a tie (½) where the truth is 0, ½ or 1: it is off by at most half the fraction of
   * (tampered, authentic) pairs that share a bin.
   */
  auc(): Bounded | null {
    const groups = this.groups();
    const value = areaUnderRoc(groups);
    if (value === null) return null;
    const { tampered, authentic } = this.totals();
    const sharedPairs = groups.reduce((sum, group) => sum + group.tampered * group.authentic, 0);
    return { value, errorBound: sharedPairs / (2 * tampered * authentic) };
  }

  /**
   * The average precision of all pixels added so far. Null where nothing is tampered.
   *
   * Within a bin, it is highest where all tampered pixels tie above the authentic ones, and lowest where all authentic
   * ones are above and no tampered ones tie. The value is the middle of the two.
   */
  averagePrecision(): Bounded | null {
    let [tp, fp, highest, lowest] = [0, 0, 0, 0];
    for (const { tampered, authentic } of this.groups()) {
      if (tampered > 0) {
        highest += tampered * ((tp + tampered) / (tp + tampered + fp));
        // Σ (tp + i) / (tp + i + c) for i = 1 … tampered is tampered − c · Σ 1 / (tp + c + i). 1/x is convex, so that
        // each term of that sum is at most its mean over ±½.
        const c = fp + authentic;
        const before = tp + c + 0.5;
        lowest += c === 0 ? tampered : tampered - c * Math.log1p(tampered / before);
      }
      tp += tampered;
      fp += authentic;
    }
    if (tp === 0) return null;
    return { value: (highest + lowest) / 2 / tp, errorBound: Math.abs(highest - lowest) / 2 / tp };
  }

  /** How many pixels there are of each class. */
  totals(): ScoreGroup {
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    return { tampered: sum(this.tampered), authentic: sum(this.authentic) };
  }

  /** The lower edge of a bin at which a metric of the pooled pixels is highest; `>=` predicts. Null where undefined. */
  best(metric: (counts: Counts) => number | null): { readonly threshold: number; readonly value: number } | null {
    let best: { threshold: number; value: number } | null = null;
    for (const { threshold, counts } of this.steps()) {
      const value = metric(counts);
      if (value !== null && (best === null || value > best.value)) best = { threshold, value };
    }
    return best;
  }

  /**
   * The ROC and the precision-recall curve of all pixels added so far, from nothing predicted to everything: at most
   * `points` points, of the bins at which one of the two rates has moved on by 1 / points. Empty where all pixels are
   * one class.
   */
  curve(points = 200): readonly CurvePoint[] {
    const last = { recall: 0, falsePositiveRate: 0 };
    const curve: CurvePoint[] = [];
    // Each of the two rates moves on points / 2 times at most, and two more points are the ends.
    const step = 2 / (points - 2);
    for (const { threshold, counts } of this.steps()) {
      const { tp, fp, fn, tn } = counts;
      if (tp + fn === 0 || fp + tn === 0) return [];
      const [recall, falsePositiveRate] = [tp / (tp + fn), fp / (fp + tn)];
      const isEnd = curve.length === 0 || (fn === 0 && tn === 0 && last.recall + last.falsePositiveRate < 2);
      if (!isEnd && recall - last.recall < step && falsePositiveRate - last.falsePositiveRate < step) continue;
      Object.assign(last, { recall, falsePositiveRate });
      curve.push({ threshold, recall, falsePositiveRate, precision: tp + fp === 0 ? null : tp / (tp + fp) });
    }
    return curve;
  }

  /** All pixels in `count` equal bins over [0, 1]; `count` is a power of two, so that no bin is cut. */
  equalBins(count = 32): readonly HistogramBin[] {
    const equal = Array.from({ length: count }, (_, i) => ({
      from: i / count,
      to: (i + 1) / count,
      tampered: 0,
      authentic: 0,
    }));
    for (const bin of this.occupied()) {
      const to = equal[Math.min(count - 1, Math.floor(lowerEdge(bin) * count))]!;
      to.tampered += this.tampered[bin]!;
      to.authentic += this.authentic[bin]!;
    }
    return equal;
  }

  /** Nothing predicted, then one bin after the other, the highest first; bins without a pixel are left out. */
  private *steps(): Generator<{ readonly threshold: number; readonly counts: Counts }> {
    const { tampered, authentic } = this.totals();
    let [tp, fp] = [0, 0];
    // Above every score, and unlike Infinity in JSON.
    yield { threshold: 2, counts: { tp, fp, fn: tampered, tn: authentic } };
    for (const bin of this.occupied()) {
      tp += this.tampered[bin]!;
      fp += this.authentic[bin]!;
      yield { threshold: lowerEdge(bin), counts: { tp, fp, fn: tampered - tp, tn: authentic - fp } };
    }
  }

  private groups(): ScoreGroup[] {
    return this.occupied().map(bin => ({ tampered: this.tampered[bin]!, authentic: this.authentic[bin]! }));
  }

  /** The bins that have a pixel, the highest first. */
  private occupied(): number[] {
    const occupied: number[] = [];
    for (let bin = bins - 1; bin >= 0; bin--) if (this.tampered[bin]! + this.authentic[bin]! > 0) occupied.push(bin);
    return occupied;
  }
}

/** Bits of numbers that are not negative order as the numbers do. Above ½ bins mirror those below; 1 − p is exact. */
function binOf(p: number): number {
  if (p < 0.5) return binAbove(bitsOf(p));
  // Less one, so that also there the lower edge of a bin is in it, and the upper one is not.
  return bins - 1 - binAbove(Math.max(bitsOf(1 - p), 1) - 1);
}

const binAbove = (bits: number): number => Math.max(0, (bits >>> shift) - firstBits + 1);

/** The lowest score of a bin. */
const lowerEdge = (bin: number): number => (bin === 0 ? 0 : bin < half ? edge(bin - 1) : 1 - edge(bins - 1 - bin));

function edge(index: number): number {
  scratchBits[0] = (firstBits + index) << shift;
  return scratch[0]!;
}
