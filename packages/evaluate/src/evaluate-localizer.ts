import { createHash } from 'node:crypto';
import { DataError } from '@forgelens/autograd';
import type { Sample } from '@forgelens/data';
import { readTruth } from '@forgelens/data';
import { readImage } from '@forgelens/imaging';
import type { Image, Mask } from '@forgelens/imaging';
import type { Localization } from '@forgelens/localize';
import { f1, iou, isTampered, scoreImage, ScoreHistogram, summarize } from '@forgelens/metrics';
import type { Counts, ImageScores, PooledPixels, Summary } from '@forgelens/metrics';
import { fixedThreshold } from './protocol.ts';
import type { Protocol } from './protocol.ts';

/** A sample that is in no number of the report, and why. */
export interface Excluded {
  readonly id: string;
  readonly set: string;
  readonly error: string;
}

/** One scored image. Everything in the summaries follows from `counts` and `auc`. */
export interface ScoredImage {
  readonly id: string;
  readonly set: string;
  readonly counts: Counts;
  readonly f1: number | null;
  readonly iou: number | null;
  readonly auc: number | null;
  /** The localizer's score of the whole image, in [0, 1]. */
  readonly score: number;
}

/** The scores of a set of samples. */
export interface SetReport extends Summary {
  readonly samples: number;
  readonly scored: number;
  readonly excluded: number;
}

/** What a localizer scores on samples, by which protocol. JSON holds all of it. */
export interface Evaluation {
  readonly protocol: Protocol;
  /** SHA-256 over the samples' sets, ids and labels: two evaluations with the same one saw the same list. */
  readonly manifestSha256: string;
  readonly overall: SetReport;
  readonly sets: Readonly<Record<string, SetReport>>;
  readonly excluded: readonly Excluded[];
  readonly images: readonly ScoredImage[];
}

export interface EvaluateOptions {
  /** In [0, 1); 0.5 is the protocol's. */
  readonly threshold?: number;
  readonly onProgress?: (done: number, total: number, sample: Sample) => void;
  /** Stops the evaluation: it throws the signal's reason, because a part of a set is not the set. */
  readonly signal?: AbortSignal;
}

/**
 * Scores a localizer on samples, one after the other.
 *
 * A sample that cannot be scored (its file is unreadable, its mask has another size or marks nothing, its map is not
 * one of probabilities) is excluded and listed with the reason; the others are scored.
 *
 * @param locate - gives the map of an image at the image's own size
 */
export async function evaluateLocalizer(
  locate: (image: Image, path: string) => Promise<Localization>,
  samples: readonly Sample[],
  { threshold = 0.5, onProgress, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const images: ScoredImage[] = [];
  const scored: (ImageScores & { readonly set: string })[] = [];
  const excluded: Excluded[] = [];
  const pixels = new Map<string, PooledPixels>();
  const empty = (): PooledPixels => ({ tampered: new ScoreHistogram(), authentic: new ScoreHistogram() });

  for (const [done, sample] of samples.entries()) {
    signal?.throwIfAborted();
    onProgress?.(done, samples.length, sample);
    const { id, set } = sample;
    try {
      const image = await readImage(sample.image);
      const mask = await readMarkedTruth(sample, image);
      const { probabilities, score } = checkMap(await locate(image, sample.image), image, sample);
      const scores = scoreImage(probabilities, mask.data, threshold, { key: `${set}/${id}`, scores: { model: score } });
      if (!pixels.has(set)) pixels.set(set, empty());
      pixels.get(set)![isTampered(scores) ? 'tampered' : 'authentic'].add(probabilities, mask.data);
      scored.push({ ...scores, set });
      const { counts, auc } = scores;
      images.push({ id, set, counts, f1: f1(counts), iou: iou(counts), auc, score });
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      excluded.push({ id, set, error: error.message });
    }
  }

  const report = (isIn: (of: { set: string }) => boolean, pooled: PooledPixels): SetReport => ({
    samples: samples.filter(isIn).length,
    scored: scored.filter(isIn).length,
    excluded: excluded.filter(isIn).length,
    ...summarize(scored.filter(isIn), pooled, threshold),
  });
  const all = empty();
  for (const { tampered, authentic } of pixels.values()) {
    all.tampered.merge(tampered);
    all.authentic.merge(authentic);
  }
  const sets = [...new Set(samples.map(({ set }) => set))].sort();
  return {
    protocol: fixedThreshold(threshold),
    manifestSha256: hashManifest(samples),
    overall: report(() => true, all),
    sets: Object.fromEntries(sets.map(name => [name, report(({ set }) => set === name, pixels.get(name) ?? empty())])),
    excluded,
    images,
  };
}

/** The truth of a sample. @throws {DataError} when a tampered one has no marked pixel. */
async function readMarkedTruth(sample: Sample, image: Image): Promise<Mask> {
  const mask = await readTruth(sample, image);
  if (sample.label === 1 && !mask.data.includes(1))
    throw new DataError(sample.mask ?? sample.image, 'the mask marks no pixel but its image is listed as tampered');
  return mask;
}

/** @throws {DataError} when the map is of another size than the image, or is not a map of probabilities. */
function checkMap(map: Localization, image: Image, { image: path }: Sample): Localization {
  if (
    map.width !== image.width ||
    map.height !== image.height ||
    map.probabilities.length !== image.width * image.height
  )
    throw new DataError(path, `the map is ${map.width}×${map.height} but the image is ${image.width}×${image.height}`);
  const bad = map.probabilities.findIndex(p => !(p >= 0 && p <= 1));
  if (bad >= 0)
    throw new DataError(
      path,
      `the map has ${map.probabilities[bad]} at (${bad % map.width}, ${Math.floor(bad / map.width)}) where a probability in [0, 1] must be`,
    );
  return map;
}

function hashManifest(samples: readonly Sample[]): string {
  const lines = samples.map(({ set, id, label }) => `${set}\t${id}\t${label}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
}
