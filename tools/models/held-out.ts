/**
 * What a checkpoint does on the samples that its training set aside, in whole pictures:
 *
 *     npx tsx tools/models/held-out.ts runs/trionet/held-out.jsonl <checkpoint>...
 *
 * For each checkpoint: F1 and false-alarm area by threshold, and how well rules for an image's score tell tampered from
 * authentic pictures (AUC), as they are and with both kinds saved once more alike (JPEG 90), since files of one data set
 * may differ in their tables alone. Thresholds, rules and checkpoints are chosen on this and on nothing else.
 */
import { UsageError } from '@forgelens/autograd';
import { readDataset, readTruth } from '@forgelens/data';
import { jpegRecompress, readImage } from '@forgelens/imaging';
import { openLocalizer } from '@forgelens/localize';
import { countPixels, f1, mean } from '@forgelens/metrics';

const thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

const sorted = (map: Float32Array): Float32Array => Float32Array.from(map).sort().reverse();
const topMean = (share: number) => (map: Float32Array) => {
  const highest = sorted(map).subarray(0, Math.max(1, Math.round(share * map.length)));
  return highest.reduce((sum, p) => sum + p, 0) / highest.length;
};
const rules: Readonly<Record<string, (map: Float32Array) => number>> = {
  highest: topMean(0),
  'mean of the highest 0.2 %': topMean(0.002),
  'mean of the highest 1 %': topMean(0.01),
  'mean of the highest 3 %': topMean(0.03),
  'mean of the highest 10 %': topMean(0.1),
  'mean of all': topMean(1),
  'share above 0.5': map => map.reduce((n, p) => n + Number(p > 0.5), 0) / map.length,
};

/** The probability that a tampered picture has a higher score than an authentic one. */
function auc(tampered: readonly number[], authentic: readonly number[]): number {
  let wins = 0;
  for (const t of tampered) for (const a of authentic) wins += t > a ? 1 : t === a ? 0.5 : 0;
  return wins / (tampered.length * authentic.length);
}

const [list, ...checkpoints] = process.argv.slice(2);
if (list === undefined || checkpoints.length === 0)
  throw new UsageError('held-out: give the list of what a training set aside, and one checkpoint or more');
const samples = await readDataset(list);

for (const checkpoint of checkpoints) {
  const localizer = await openLocalizer(checkpoint);
  const scores = thresholds.map((): number[] => []);
  const areas = thresholds.map((): number[] => []);
  const byRule = Object.keys(rules).map(() => [0, 1].map(() => [[], []] as [number[], number[]]));
  for (const sample of samples) {
    const image = await readImage(sample.image);
    const mask = await readTruth(sample, image);
    for (const [again, seen] of [image, await jpegRecompress(image, 90)].entries()) {
      const { probabilities } = await localizer.locate(seen);
      Object.values(rules).forEach((rule, i) => byRule[i]![again]![sample.label].push(rule(probabilities)));
      if (again === 1) continue;
      thresholds.forEach((threshold, i) => {
        const counts = countPixels(probabilities, mask.data, threshold);
        const score = f1(counts);
        if (score === null) areas[i]!.push(counts.fp / mask.data.length);
        else scores[i]!.push(score);
      });
    }
  }
  await localizer.close();
  const [tampered, authentic] = [scores[0]!.length, areas[0]!.length];
  console.log(`\n${checkpoint}: ${tampered} tampered, ${authentic} authentic`);
  console.table(
    Object.fromEntries(
      thresholds.map((threshold, i) => [
        threshold,
        { F1: mean(scores[i]!)?.toFixed(3), 'false-alarm area': mean(areas[i]!)?.toFixed(4) },
      ]),
    ),
  );
  console.table(
    Object.fromEntries(
      Object.keys(rules).map((rule, i) => [
        rule,
        {
          'AUC of images': auc(byRule[i]![0]![1], byRule[i]![0]![0]).toFixed(3),
          'saved once more': auc(byRule[i]![1]![1], byRule[i]![1]![0]).toFixed(3),
        },
      ]),
    ),
  );
}
