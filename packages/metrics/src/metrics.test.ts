import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import golden from './fixtures/scikit-learn.json' with { type: 'json' };
import type { Counts } from './index.ts';
import {
  addCounts,
  aucFromScores,
  averagePrecision,
  countPixels,
  dice,
  f1,
  iou,
  markEverything,
  mcc,
  precision,
  recall,
  scoreImage,
  ScoreHistogram,
  specificity,
  summarize,
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
    const ours = {
      precision: precision(c),
      recall: recall(c),
      f1: f1(c),
      iou: iou(c),
      mcc: mcc(c),
      specificity: specificity(c),
      auc: aucFromScores(scores, labels),
      averagePrecision: averagePrecision(scores, labels),
    };
    for (const [name, value] of Object.entries(ours))
      expect(Math.abs(value! - expected[name as keyof typeof ours]), name).toBeLessThan(1e-9);
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
  test('the histogram finds the pooled AUC within its bound, however the pixels are cut into images', () => {
    const image = fc.array(fc.record({ score: fc.float({ min: 0, max: 1, noNaN: true }), label: fc.nat(1) }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.array(image, { minLength: 1, maxLength: 4 }), images => {
        const histogram = new ScoreHistogram();
        const arrays = (all: (typeof images)[0]) =>
          [Float32Array.from(all, ({ score }) => score), Uint8Array.from(all, ({ label }) => label)] as const;
        for (const pixels of images) histogram.add(...arrays(pixels));
        const exact = aucFromScores(...arrays(images.flat()));
        const binned = histogram.auc();
        if (exact === null) expect(binned).toBeNull();
        else expect(Math.abs(binned!.auc - exact)).toBeLessThanOrEqual(binned!.errorBound + 1e-12);
      }),
    );
  });
  test('the bound of the histogram is reached where all scores share a bin', () => {
    const histogram = new ScoreHistogram();
    histogram.add(Float32Array.of(1e-6, 2e-6), Uint8Array.of(0, 1));
    expect(histogram.auc()).toEqual({ auc: 0.5, errorBound: 0.5 });
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
    const histogram = new ScoreHistogram();
    for (const [p, mask] of images) if (mask.some(v => v > 0)) histogram.add(p, mask);
    return summarize(
      images.map(([p, mask]) => scoreImage(p, mask, 0.5)),
      histogram,
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
  test('no image gives null everywhere and no NaN', () => {
    expect(JSON.stringify(of([]))).not.toContain('NaN');
    expect(of([]).tampered).toMatchObject({ images: 0, f1: { perImage: null, pooled: null }, auc: { pooled: null } });
    expect(of([]).authentic).toMatchObject({ images: 0, specificity: null, falseAlarmArea: null });
    expect(of([clean]).tampered.f1).toEqual({ perImage: null, pooled: null });
  });
});
