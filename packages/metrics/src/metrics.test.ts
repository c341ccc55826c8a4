import { Random } from '@forgelens/autograd';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import golden from './fixtures/scikit-learn.json' with { type: 'json' };
import type { Counts } from './index.ts';
import {
  accuracy,
  addCounts,
  aucFromScores,
  averagePrecision,
  balancedAccuracy,
  bootstrap,
  countPixels,
  detection,
  dice,
  f1,
  falseAlarmArea,
  invertCounts,
  iou,
  markEverything,
  mcc,
  meanTimes,
  pixelsOf,
  poolScore,
  precision,
  Ranking,
  recall,
  scoreImage,
  ScoreHistogram,
  sensitivityAtFalseAlarms,
  specificity,
  sumTimes,
  summarize,
  validOutsideBand,
} from './index.ts';

const counts = fc.record({ tp: fc.nat(1000), fp: fc.nat(1000), fn: fc.nat(1000), tn: fc.nat(1000) });
const withTampered = counts.filter(({ tp, fn }) => tp + fn > 0);

/** Pixels with many ties (eighths) and both classes. */
const pixels = fc
  .array(fc.record({ score: fc.nat(8).map(n => n / 8), label: fc.nat(1) }), { minLength: 2, maxLength: 60 })
  .filter(all => all.some(({ label }) => label === 1) && all.some(({ label }) => label === 0))
  .map(all => ({
    scores: Float32Array.from(all, ({ score }) => score),
    labels: Uint8Array.from(all, ({ label }) => label),
  }));

/** The definition, pair by pair: a tampered pixel beats an authentic one, or ties with it for half. */
function aucByPairs(scores: Float32Array, labels: Uint8Array): number {
  const of = (label: number) => [...scores].filter((_, i) => labels[i] === label);
  const wins = of(1).flatMap(t => of(0).map((a): number => (t > a ? 1 : t === a ? 0.5 : 0)));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

describe(`scikit-learn ${golden.scikitLearn} (tools/golden/metrics.py) agrees`, () => {
  test.each(golden.cases)('on $name', expected => {
    const scores = Float32Array.from(expected.scores);
    const labels = Uint8Array.from(expected.labels);
    const c = countPixels(scores, labels, golden.threshold);
    expect(c).toEqual(expected.counts);
    const ranking = Ranking.of(scores, labels);
    const ours = {
      precision: precision(c),
      recall: recall(c),
      f1: f1(c),
      iou: iou(c),
      mcc: mcc(c),
      specificity: specificity(c),
      accuracy: accuracy(c),
      balancedAccuracy: balancedAccuracy(c),
      auc: aucFromScores(scores, labels),
      averagePrecision: averagePrecision(scores, labels),
      bestF1: ranking.best(f1)?.value ?? null,
      bestF1WithInverse: ranking.best(f1, { inverse: true })?.value ?? null,
      sensitivityAt10: sensitivityAtFalseAlarms(ranking, 0.1),
    };
    for (const [name, value] of Object.entries(ours)) {
      const theirs = expected[name as keyof typeof ours];
      if (value === null || theirs === null) expect(value, name).toBe(theirs);
      else expect(Math.abs(value - theirs), name).toBeLessThan(1e-9);
    }
  });
  test.each(golden.bands)('on the border band of $name', ({ mask, width, height, valid, ...sizes }) => {
    const truth = Uint8Array.from(mask, Number);
    expect([...validOutsideBand(truth, width, height, sizes)].join('')).toBe(valid);
  });
});

describe('counting', () => {
  test('a probability at the threshold is not above it', () => {
    expect(countPixels([0.5, 0.51, 0.5, 0.49], [1, 1, 0, 0], 0.5)).toEqual({ tp: 1, fp: 0, fn: 1, tn: 2 });
  });
  test('pixels that are not valid are not counted', () => {
    expect(countPixels([1, 1, 0, 0], [1, 0, 1, 0], 0.5, [1, 0, 1, 0])).toEqual({ tp: 1, fp: 0, fn: 1, tn: 0 });
  });
  test('a mask written as 0 and 255 counts as one written as 0 and 1', () => {
    expect(countPixels([1, 0], [255, 0], 0.5)).toEqual(countPixels([1, 0], [1, 0], 0.5));
  });
  test('arrays of different lengths are refused', () => {
    expect(() => countPixels([1, 1, 0], [1, 0], 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: countPixels: probabilities has 3 elements but mask has 2]`,
    );
    expect(() => countPixels([1, 0], [1, 0], 0.5, [1])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: countPixels: probabilities has 2 elements but valid has 1]`,
    );
  });
  test('counts of parts add up to the counts of the whole', () => {
    fc.assert(
      fc.property(pixels, fc.nat(60), ({ scores, labels }, at) => {
        const count = (from: number, to?: number) => countPixels(scores.slice(from, to), labels.slice(from, to), 0.4);
        expect(addCounts(count(0, at), count(at))).toEqual(count(0));
      }),
    );
  });
});

describe('metrics of counts', () => {
  test('F1 is the harmonic mean of precision and recall', () => {
    fc.assert(
      fc.property(withTampered, c => {
        const [p, r] = [precision(c), recall(c)!];
        if (p !== null && p + r > 0) expect(f1(c)).toBeCloseTo((2 * p * r) / (p + r), 12);
        else expect(f1(c)).toBe(0);
      }),
    );
  });
  test('IoU is F1 / (2 − F1), and Dice is F1', () => {
    fc.assert(
      fc.property(withTampered, c => {
        expect(iou(c)).toBeCloseTo(f1(c)! / (2 - f1(c)!), 12);
        expect(dice(c)).toBe(f1(c));
      }),
    );
  });
  test('the Matthews coefficient changes its sign with the prediction', () => {
    fc.assert(
      fc.property(counts, ({ tp, fp, fn, tn }) => {
        const [plain, inverted] = [mcc({ tp, fp, fn, tn }), mcc({ tp: fn, fp: tn, fn: tp, tn: fp })];
        if (plain === null) expect(inverted).toBeNull();
        else expect(inverted).toBeCloseTo(-plain, 12);
      }),
    );
  });
  test('marking everything scores 2p / (1 + p)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(1000), (tampered, authentic) => {
        const all: Counts = { tp: tampered, fp: authentic, fn: 0, tn: 0 };
        expect(f1(all)).toBeCloseTo(markEverything(tampered / (tampered + authentic)), 12);
      }),
    );
  });
  test('inverting a prediction twice is the prediction, and its accuracy is what is left of 1', () => {
    fc.assert(
      fc.property(counts, c => {
        expect(invertCounts(invertCounts(c))).toEqual(c);
        if (pixelsOf(c) === 0) return expect(accuracy(c)).toBeNull();
        expect(accuracy(invertCounts(c))).toBeCloseTo(1 - accuracy(c)!, 12);
      }),
    );
  });
  test('the false-alarm area of an authentic image is what is left of its specificity', () => {
    expect(falseAlarmArea({ tp: 0, fp: 3, fn: 0, tn: 7 })).toBeCloseTo(
      1 - specificity({ tp: 0, fp: 3, fn: 0, tn: 7 })!,
    );
    expect(falseAlarmArea({ tp: 5, fp: 3, fn: 1, tn: 1 })).toBe(0.3);
    expect(falseAlarmArea({ tp: 0, fp: 0, fn: 0, tn: 0 })).toBeNull();
  });
  test('what is undefined is null, never 0 or 1', () => {
    const authentic: Counts = { tp: 0, fp: 3, fn: 0, tn: 7 };
    expect([f1, iou, dice, recall, mcc].map(metric => metric(authentic))).toEqual([null, null, null, null, null]);
    expect([f1, iou, dice].map(metric => metric({ ...authentic, fp: 0 }))).toEqual([null, null, null]);
    expect(precision({ tp: 0, fp: 0, fn: 3, tn: 7 })).toBeNull();
    expect(specificity({ tp: 3, fp: 0, fn: 3, tn: 0 })).toBeNull();
  });
  test('finding nothing of a tampered image is an F1 of 0', () => {
    expect(f1({ tp: 0, fp: 0, fn: 3, tn: 7 })).toBe(0);
  });
});

describe('ranking', () => {
  test('AUC is the fraction of pairs in the right order', () => {
    fc.assert(
      fc.property(pixels, ({ scores, labels }) => {
        expect(aucFromScores(scores, labels)).toBeCloseTo(aucByPairs(scores, labels), 12);
      }),
    );
  });
  test('AUC does not change with the order of the pixels or a monotone change of the scores', () => {
    fc.assert(
      fc.property(pixels, ({ scores, labels }) => {
        const auc = aucFromScores(scores, labels);
        expect(aucFromScores(scores.slice().reverse(), labels.slice().reverse())).toBe(auc);
        expect(aucFromScores(scores.map(Math.exp), labels)).toBe(auc);
        expect(
          1 -
            aucFromScores(
              scores.map(s => -s),
              labels,
            )!,
        ).toBeCloseTo(auc!, 12);
      }),
    );
  });
  test('a constant score ranks nothing: AUC is 0.5 and average precision is the tampered fraction', () => {
    const labels = Uint8Array.of(1, 0, 0, 0);
    expect(aucFromScores(new Float32Array(4), labels)).toBe(0.5);
    expect(averagePrecision(new Float32Array(4), labels)).toBe(0.25);
  });
  test('one class only has no AUC', () => {
    expect(aucFromScores(Float32Array.of(0.1, 0.9), Uint8Array.of(1, 1))).toBeNull();
    expect(aucFromScores(Float32Array.of(0.1, 0.9), Uint8Array.of(0, 0))).toBeNull();
    expect(averagePrecision(Float32Array.of(0.1, 0.9), Uint8Array.of(0, 0))).toBeNull();
    expect(new ScoreHistogram().auc()).toBeNull();
  });
  test('NaN has no rank', () => {
    const scores = Float32Array.of(0.1, NaN);
    expect(() => aucFromScores(scores, Uint8Array.of(0, 1))).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: AUC: a score is NaN, which has no rank]`,
    );
    expect(() => new ScoreHistogram().add(scores, Uint8Array.of(0, 1))).toThrowErrorMatchingInlineSnapshot(
      `[RangeError: ScoreHistogram: score NaN is outside [0, 1]]`,
    );
  });
  test('a ranking counts as counting pixel by pixel does, at any threshold', () => {
    fc.assert(
      fc.property(pixels, fc.nat(8), ({ scores, labels }, eighths) => {
        const ranking = Ranking.of(scores, labels);
        expect(ranking.counts(eighths / 8)).toEqual(countPixels(scores, labels, eighths / 8));
        expect(ranking.counts(eighths / 8, '>=')).toEqual(countPixels(scores, labels, eighths / 8 - 1 / 16));
      }),
    );
  });
  test('the best threshold gives its value, no threshold a better one, and marking everything is one of them', () => {
    fc.assert(
      fc.property(pixels, ({ scores, labels }) => {
        const best = Ranking.of(scores, labels).best(f1)!;
        expect(countPixels(scores, labels, best.threshold)).toEqual(best.counts);
        expect(f1(best.counts)).toBe(best.value);
        for (let i = -1; i <= 8; i++) expect(f1(countPixels(scores, labels, i / 8))).toBeLessThanOrEqual(best.value);
      }),
    );
  });
  test('pixels that are not valid have no rank', () => {
    const ranking = Ranking.of(Float32Array.of(0.1, 0.9, 0.5), [1, 0, 0], [1, 1, 0]);
    expect(ranking.size).toBe(2);
    expect(ranking.auc()).toBe(0);
  });
  test('soft counts of a prediction of 0 and 1 are its counts', () => {
    const [prediction, labels] = [Float32Array.of(1, 1, 0, 0, 1), [1, 0, 1, 0, 1]];
    expect(Ranking.of(prediction, labels).softCounts()).toEqual(countPixels(prediction, labels, 0.5));
    expect(Ranking.of(Float32Array.of(0.25, 0.75), [1, 0]).softCounts()).toEqual({
      tp: 0.25,
      fp: 0.75,
      fn: 0.75,
      tn: 0.25,
    });
  });
});

describe('the histogram of scores', () => {
  const score = fc.oneof(
    fc.float({ min: 0, max: 1, noNaN: true }),
    // Close to 0 and to 1, where networks are sure.
    fc.nat(40).map(n => Math.fround(2 ** -n)),
    fc.nat(24).map(n => 1 - 2 ** -n),
  );
  const image = fc.array(fc.record({ score, label: fc.nat(1) }), { minLength: 1, maxLength: 40 });
  const images = fc.array(image, { minLength: 1, maxLength: 4 });
  type Pixel = { score: number; label: number };
  const arrays = (all: readonly Pixel[]) =>
    [Float32Array.from(all, pixel => pixel.score), Uint8Array.from(all, ({ label }) => label)] as const;
  const histogramOf = (parts: readonly (readonly Pixel[])[]) => {
    const histogram = new ScoreHistogram();
    for (const pixels of parts) histogram.add(...arrays(pixels));
    return histogram;
  };

  test('finds the pooled AUC and average precision within its bounds', () => {
    fc.assert(
      fc.property(images, images => {
        const histogram = histogramOf(images);
        const ranking = Ranking.of(...arrays(images.flat()));
        for (const [binned, exact] of [
          [histogram.auc(), ranking.auc()],
          [histogram.averagePrecision(), ranking.averagePrecision()],
        ] as const)
          if (exact === null) expect(binned).toBeNull();
          else expect(Math.abs(binned!.value - exact)).toBeLessThanOrEqual(binned!.errorBound + 1e-12);
      }),
    );
  });
  test('reaches the bound of the AUC where all scores share a bin', () => {
    const histogram = new ScoreHistogram();
    histogram.add(Float32Array.of(1e-11, 2e-11), Uint8Array.of(0, 1));
    expect(histogram.auc()).toEqual({ value: 0.5, errorBound: 0.5 });
  });
  test('tells apart what is close to 0 and to 1', () => {
    const histogram = new ScoreHistogram();
    histogram.add(Float32Array.of(1e-6, 2e-6, 1 - 2 ** -20, 1 - 2 ** -21), Uint8Array.of(0, 1, 0, 1));
    expect(histogram.auc()).toEqual({ value: 0.75, errorBound: 0 });
  });
  test('is the same to the last bit in batches of 1, 7 and 32, on 1 or 4 workers, in any order', () => {
    fc.assert(
      fc.property(image, fc.constantFrom(1, 7, 32), fc.constantFrom(1, 4), (pixels, batch, workers) => {
        const parts = Array.from({ length: workers }, () => new ScoreHistogram());
        for (let i = 0; i < pixels.length; i += batch)
          parts[(i / batch) % workers]!.add(...arrays(pixels.slice(i, i + batch)));
        const merged = new ScoreHistogram();
        for (const part of parts.reverse()) merged.merge(ScoreHistogram.fromCounts(part.toCounts()));
        expect(merged.auc()).toEqual(histogramOf([pixels]).auc());
        expect(merged.averagePrecision()).toEqual(histogramOf([pixels]).averagePrecision());
      }),
      { numRuns: 20 },
    );
  });
  test('has equal bins that hold every pixel, each from its lower edge to below its upper one', () => {
    fc.assert(
      fc.property(images, images => {
        const bins = histogramOf(images).equalBins(8);
        for (const { from, to, tampered, authentic } of bins) {
          const within = images.flat().filter(p => p.score >= from && (p.score < to || to === 1));
          expect({ tampered, authentic }).toEqual({
            tampered: within.filter(({ label }) => label === 1).length,
            authentic: within.filter(({ label }) => label === 0).length,
          });
        }
      }),
      { numRuns: 30 },
    );
  });
  test('has a bounded curve from nothing to everything, which a classifier at its thresholds reaches', () => {
    const random = new Random(1);
    const all = Array.from({ length: 3000 }, () => ({
      score: Math.fround(random.uniform()),
      label: random.integer(0, 2),
    }));
    const histogram = histogramOf([all]);
    const curve = histogram.curve(50);
    expect(curve.length).toBeGreaterThan(25);
    expect(curve.length).toBeLessThanOrEqual(50);
    expect(curve[0]).toMatchObject({ recall: 0, falsePositiveRate: 0, precision: null });
    expect(curve.at(-1)).toMatchObject({ recall: 1, falsePositiveRate: 1 });
    for (const { threshold, ...rates } of curve) {
      const c = Ranking.of(...arrays(all)).counts(threshold, '>=');
      expect(rates).toEqual({ recall: recall(c), falsePositiveRate: c.fp / (c.fp + c.tn), precision: precision(c) });
    }
    expect(histogramOf([[{ score: 0.5, label: 1 }]]).curve()).toEqual([]);
  });
  test('finds the best threshold of the pooled pixels', () => {
    const histogram = new ScoreHistogram();
    histogram.add(Float32Array.of(0.9, 0.75, 0.5, 0.25), [1, 1, 0, 0]);
    expect(histogram.best(f1)).toEqual({ threshold: 0.75, value: 1 });
  });
});

describe('detection of tampered images', () => {
  const scores = [0.9, 0.4, 0.6, 0.2, 0.1];
  const labels = [1, 1, 0, 0, 0];
  test('scores images as pixels are scored', () => {
    expect(detection(scores, labels, 0.5)).toEqual({
      aucInterval: { low: expect.any(Number) as number, high: 1 },
      tampered: 2,
      authentic: 3,
      auc: 5 / 6,
      averagePrecision: (1 + 2 / 3) / 2,
      threshold: 0.5,
      balancedAccuracy: (1 / 2 + 2 / 3) / 2,
      sensitivity: 1 / 2,
      specificity: 2 / 3,
      f1: 1 / 2,
      sensitivityAtFalseAlarms: { '1 %': 0.5, '5 %': 0.5, '10 %': 0.5 },
    });
  });
  test('gives the interval of AUC that theory says', () => {
    const random = new Random(3);
    const many = Array.from({ length: 400 }, (_, i) => random.normal(i % 2, 1));
    const { auc, aucInterval } = detection(
      many,
      many.map((_, i) => i % 2),
      0.5,
    );
    // Hanley and McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747: a standard error of 0.024.
    expect(auc! - aucInterval!.low).toBeCloseTo(1.96 * 0.024, 2);
    expect(aucInterval!.high - auc!).toBeCloseTo(1.96 * 0.024, 2);
  });
  test('allows as many false alarms as asked for', () => {
    const images = Ranking.of(Float32Array.from(scores), labels);
    expect(sensitivityAtFalseAlarms(images, 0.33)).toBe(0.5);
    expect(sensitivityAtFalseAlarms(images, 0.34)).toBe(1);
  });
  test('is undefined, not 0, without both classes', () => {
    const { specificity: spared, ...rest } = detection([0.1, 0.9], [0, 0], 0.5);
    expect(spared).toBe(0.5);
    expect(rest).toMatchObject({
      auc: null,
      averagePrecision: null,
      balancedAccuracy: null,
      sensitivity: null,
      f1: null,
    });
    expect(rest.sensitivityAtFalseAlarms['5 %']).toBeNull();
  });
  test('takes the score of an image by a named rule', () => {
    const pixels = Ranking.of(
      Float32Array.from({ length: 200 }, (_, i) => i / 200),
      new Uint8Array(200),
    );
    expect(poolScore(pixels, 'max')).toBeCloseTo(199 / 200, 6);
    expect(poolScore(pixels, 'topPercent')).toBeCloseTo(198.5 / 200, 6);
    expect(poolScore(pixels, 'area')).toBe(99 / 200);
  });
});

describe('bootstrap', () => {
  const values = Array.from({ length: 200 }, (_, i) => i % 2);
  const meanAndNothing = (times: Uint32Array) => [meanTimes(values, times), null];
  test('finds the interval that theory says, for a seed always the same', () => {
    const [interval] = bootstrap(values.length, meanAndNothing);
    // The standard error of a fraction of ½ of 200 is 0.0354.
    expect(interval!.low).toBeCloseTo(0.5 - 1.96 * 0.0354, 1);
    expect(interval!.high).toBeCloseTo(0.5 + 1.96 * 0.0354, 1);
    expect(bootstrap(values.length, meanAndNothing)[0]).toEqual(interval);
    expect(bootstrap(values.length, meanAndNothing, { seed: 2 })[0]).not.toEqual(interval);
  });
  test('has none for what is undefined, and for one image', () => {
    expect(bootstrap(values.length, meanAndNothing, { resamples: 20 })[1]).toBeNull();
    expect(bootstrap(1, () => [1])).toEqual([null]);
  });
  test('takes images as often as they are drawn', () => {
    const times = Uint32Array.of(2, 0, 1);
    expect(meanTimes([0.25, 0.9, null], times)).toBe(0.25);
    expect(meanTimes([null, 0.9, null], times)).toBeNull();
    const counts = { tp: 1, fp: 2, fn: 3, tn: 4 };
    expect(sumTimes([counts, counts, counts], times)).toEqual({ tp: 3, fp: 6, fn: 9, tn: 12 });
  });
});

describe('a border band', () => {
  test('leaves out what is near the border of the truth, on both sides', () => {
    const mask = Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1);
    expect([...validOutsideBand(mask, 8, 1, { erodeSize: 3, dilateSize: 5 })]).toEqual([1, 1, 0, 0, 0, 1, 1, 1]);
  });
  test('needs a mask of the image’s size', () => {
    expect(() => validOutsideBand([0, 1], 3, 1, { erodeSize: 3, dilateSize: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: validOutsideBand: the mask has 2 pixels but 3×1 are needed]`,
    );
  });
});

describe('summary', () => {
  const image = (probabilities: readonly number[], mask: readonly number[]) =>
    [Float32Array.from(probabilities), Uint8Array.from(mask)] as const;
  const perfect = image([0.9, 0.8, 0.1, 0.2], [1, 1, 0, 0]);
  const missed = image([0.4, 0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1], [1, 0, 0, 0, 0, 0, 0, 0]);
  const allTampered = image([0.9, 0.1], [1, 1]);
  const clean = image([0.1, 0.1], [0, 0]);
  const alarmed = image([0.9, 0.1, 0.1, 0.1], [0, 0, 0, 0]);

  const of = (images: readonly (typeof perfect)[]) => {
    const pixels = { tampered: new ScoreHistogram(), authentic: new ScoreHistogram() };
    for (const [p, mask] of images) pixels[mask.some(v => v > 0) ? 'tampered' : 'authentic'].add(p, mask);
    return summarize(
      images.map(([p, mask]) => scoreImage(Ranking.of(p, mask), 0.5, { key: `${mask.length} ${p.join()}` })),
      pixels,
    );
  };

  test('the mean of the images and the pooled pixels are told apart', () => {
    const { tampered } = of([perfect, missed]);
    expect(tampered.images).toBe(2);
    expect(tampered.f1).toEqual({ perImage: 0.5, pooled: 4 / 5 });
    expect(tampered.iou).toEqual({ perImage: 0.5, pooled: 2 / 3 });
    expect(tampered.dice).toEqual(tampered.f1);
    expect(tampered.auc.perImage).toBe(1);
    expect(tampered.auc.pooled).toBe(1);
    expect(tampered.markEverything.perImage).toBeCloseTo((2 / 3 + 2 / 9) / 2, 12);
    expect(tampered.markEverything.pooled).toBeCloseTo((2 * 0.25) / 1.25, 12);
  });
  test('authentic images change nothing of the tampered ones and are scored by their false alarms', () => {
    const alone = of([perfect, missed]);
    const mixed = of([perfect, clean, missed, alarmed]);
    expect(mixed.tampered).toEqual(alone.tampered);
    expect(mixed.authentic).toEqual({ images: 2, specificity: 5 / 6, falseAlarmArea: 0.125, imagesFlagged: 1 });
  });
  test('a wholly tampered image has an F1 and no AUC', () => {
    const { tampered } = of([perfect, allTampered]);
    expect(tampered.f1.perImage).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(tampered.auc).toMatchObject({ perImage: 1, excluded: 1 });
  });
  test('an oracle threshold is at least as good as the fixed one, for each image better than for the set', () => {
    const { f1: fixed, f1AtBestThreshold: best } = of([perfect, missed]).tampered;
    expect(best.ofEachImage).toBe(1);
    expect(best.ofTheSet.perImage).toEqual({ value: 1, threshold: 0.31 });
    expect(best.ofTheSet.pooled!.value).toBeGreaterThanOrEqual(fixed.pooled!);
  });
  test('an undefined precision is counted and left out, not 0', () => {
    const { precision: taken, recall: found } = of([perfect, missed]).tampered;
    expect(taken).toEqual({ perImage: 1, pooled: 1, excluded: 1 });
    expect(found).toEqual({ perImage: 0.5, pooled: 2 / 3 });
  });
  test('the order of the images does not matter, to the last bit', () => {
    const images = fc.array(
      fc
        .array(fc.tuple(fc.float({ min: 0, max: 1, noNaN: true }), fc.nat(1)), { minLength: 1, maxLength: 9 })
        .map(all =>
          image(
            all.map(([score]) => score),
            all.map(([, label]) => label),
          ),
        ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(images, fc.nat(99), (images, seed) => {
        expect(of(new Random(seed).shuffle(images))).toEqual(of(images));
      }),
      { numRuns: 10 },
    );
  });
  test('intervals hold the value, and detection compares both kinds of images', () => {
    const { tampered, intervals, detection: found, histogram } = of([perfect, missed, clean, alarmed]);
    expect(intervals['f1.perImage']!.low).toBeLessThanOrEqual(tampered.f1.perImage!);
    expect(intervals['f1.perImage']!.high).toBeGreaterThanOrEqual(tampered.f1.perImage!);
    expect(of([perfect]).intervals['f1.perImage']).toBeNull();
    expect(found.max).toMatchObject({ tampered: 2, authentic: 2, auc: 0.625 });
    expect(histogram.reduce((sum, bin) => sum + bin.tampered + bin.authentic, 0)).toBe(18);
  });
  test('no image gives null everywhere and no NaN', () => {
    expect(JSON.stringify(of([]))).not.toContain('NaN');
    expect(of([]).tampered).toMatchObject({ images: 0, f1: { perImage: null, pooled: null }, auc: { pooled: null } });
    expect(of([]).authentic).toMatchObject({ images: 0, specificity: null, falseAlarmArea: null });
    expect(of([clean]).tampered.f1).toEqual({ perImage: null, pooled: null });
  });
});
