import { UsageError } from '@forgelens/autograd';
import type { Sample } from '@forgelens/data';
import type { Degradation } from '@forgelens/imaging';
import { degrade, formatDegradations, readImage } from '@forgelens/imaging';
import type { Localizer, OperatingPoint } from '@forgelens/localize';

/** Splits that results are reported on. A threshold that was chosen there would make them worthless. */
const reported = ['dev', 'test', 'val'];

/**
 * The operating point of a model for a false-alarm rate: the least score that at most this fraction of the authentic
 * samples reach, taken as they are and after each of some degradations. The tampered ones are counted only.
 *
 * @param degradations - chains of them, as what pictures go through before they are looked at
 * @param onScore - told after each sample how many are done
 * @throws {UsageError} when there are too few authentic samples for the rate, or one is of a split that results are
 * reported on
 */
export async function measureOperatingPoint(
  localizer: Localizer,
  samples: readonly Sample[],
  falseAlarmRate: number,
  degradations: readonly (readonly Degradation[])[] = [],
  onScore: (done: number) => void = () => {},
): Promise<OperatingPoint> {
  const misplaced = samples.find(({ split }) => split !== null && reported.includes(split));
  if (misplaced)
    throw new UsageError(
      `operating-point: ${misplaced.id} is of the split "${misplaced.split}", which results are reported on; take pictures that were kept out of both training and reporting`,
    );
  const authentic = samples.filter(({ label }) => label === 0);
  const least = Math.ceil(1 / falseAlarmRate);
  if (authentic.length < least)
    throw new UsageError(
      `operating-point: ${authentic.length} authentic pictures are too few for a false-alarm rate of ${falseAlarmRate}; give at least ${least}`,
    );
  const scores: Record<Sample['label'], number[]> = { 0: [], 1: [] };
  for (const [i, { id, image, label }] of samples.entries()) {
    const untouched = await readImage(image);
    for (const chain of [[], ...degradations]) {
      const { image: seen } = await degrade(untouched, null, chain, id);
      scores[label].push((await localizer.locate(seen)).score);
    }
    onScore(i + 1);
  }
  const score = scoreReachedBy(scores[0], falseAlarmRate);
  const reaching = (of: readonly number[]) => of.filter(value => value >= score).length / of.length;
  return {
    score,
    falseAlarmRate: reaching(scores[0]),
    sensitivity: scores[1].length > 0 ? reaching(scores[1]) : null,
    images: authentic.length,
    sets: [...new Set(authentic.map(({ set }) => set))].sort(),
    degradations: degradations.map(formatDegradations),
  };
}

/** The least of the scores that at most this fraction of them reach; just above the highest one when all ties are larger. */
export function scoreReachedBy(scores: readonly number[], fraction: number): number {
  const falling = scores.toSorted((a, b) => b - a);
  const most = Math.floor(fraction * scores.length);
  // The next one must not reach it, too.
  for (let count = most; count > 0; count--)
    if (falling[count - 1]! > (falling[count] ?? -1)) return falling[count - 1]!;
  return Math.min(1, falling[0]! + 1e-6);
}
