import type { Interval } from './bootstrap.ts';
import { bootstrap } from './bootstrap.ts';
import type { Counts } from './counts.ts';
import { balancedAccuracy, f1, recall, specificity } from './counts.ts';
import type { ScoreGroup } from './ranking.ts';
import { areaUnderRoc, Ranking } from './ranking.ts';

/** How one score of an image is taken from the probabilities of its pixels, in words. */
export const poolingRules = {
  max: 'the highest probability',
  topPercent: 'mean of the highest 1 % of the probabilities',
  area: 'fraction of the pixels whose probability > 0.5',
} as const;

export type PoolingRule = keyof typeof poolingRules;

/** The score of an image by a rule. 0 where it has no pixel. */
export function poolScore(pixels: Ranking, rule: PoolingRule): number {
  if (pixels.size === 0) return 0;
  if (rule === 'max') return pixels.scores[0]!;
  if (rule === 'topPercent') return pixels.meanOfHighest(Math.max(1, Math.round(pixels.size / 100)));
  const { tp, fp } = pixels.counts(0.5);
  return (tp + fp) / pixels.size;
}

/** How well one score tells tampered images from authentic ones. Null where there are not both. */
export interface Detection {
  readonly tampered: number;
  readonly authentic: number;
  readonly auc: number | null;
  /** Of 95 %, by bootstrap over images. */
  readonly aucInterval: Interval | null;
  readonly averagePrecision: number | null;
  /** An image is called tampered where its score > threshold. */
  readonly threshold: number;
  readonly balancedAccuracy: number | null;
  readonly sensitivity: number | null;
  readonly specificity: number | null;
  readonly f1: number | null;
  /** The highest sensitivity of the thresholds at which at most this fraction of the authentic images is flagged. */
  readonly sensitivityAtFalseAlarms: Readonly<Record<'1 %' | '5 %' | '10 %', number | null>>;
}

/**
 * Scores of images against their labels.
 *
 * @param labels - 1 tampered, 0 authentic
 * @throws {ShapeError} when there are not as many labels as scores
 */
export function detection(scores: readonly number[], labels: readonly number[], threshold: number): Detection {
  const ranking = Ranking.of(Float32Array.from(scores), labels);
  const counts = ranking.counts(threshold);
  const { tampered, authentic } = ranking;
  const hasBoth = tampered > 0 && authentic > 0;
  const atRate = (rate: number) => sensitivityAtFalseAlarms(ranking, rate);
  return {
    tampered,
    authentic,
    auc: ranking.auc(),
    aucInterval: bootstrap(scores.length, aucTimes(scores, labels))[0] ?? null,
    averagePrecision: hasBoth ? ranking.averagePrecision() : null,
    threshold,
    balancedAccuracy: balancedAccuracy(counts),
    sensitivity: recall(counts),
    specificity: specificity(counts),
    f1: hasBoth ? f1(counts) : null,
    sensitivityAtFalseAlarms: { '1 %': atRate(0.01), '5 %': atRate(0.05), '10 %': atRate(0.1) },
  };
}

/** Without interpolation between thresholds. Null where the images are all one class. */
export function sensitivityAtFalseAlarms(images: Ranking, rate: number): number | null {
  if (images.tampered === 0 || images.authentic === 0) return null;
  const allowed = ({ fp, tn }: Counts) => fp <= rate * (fp + tn);
  return images.best(counts => (allowed(counts) ? recall(counts) : null))!.value;
}

/** The AUC of images where the i-th one is taken `times[i]` times, for `bootstrap`. Sorts once for all draws. */
export function aucTimes(
  scores: readonly number[],
  labels: readonly number[],
): (times: Uint32Array) => readonly (number | null)[] {
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
  function* groups(times: Uint32Array): Generator<ScoreGroup> {
    let group = { tampered: 0, authentic: 0 };
    for (const [rank, i] of order.entries()) {
      if (rank > 0 && scores[i] !== scores[order[rank - 1]!]) {
        yield group;
        group = { tampered: 0, authentic: 0 };
      }
      if (labels[i]) group.tampered += times[i]!;
      else group.authentic += times[i]!;
    }
    yield group;
  }
  return times => [areaUnderRoc(groups(times))];
}
