import { createHash } from 'node:crypto';
import { DataError } from '@forgelens/autograd';
import type { Sample } from '@forgelens/data';
import { readImage } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging';
import type { Localization } from '@forgelens/localize';
import { fileNames } from './maps-folder.ts';
import type { MapsFolder } from './maps-folder.ts';
import type { Protocol } from './protocols/protocol.ts';
import type { Excluded, Report } from './report.ts';
import type { LocatedImage } from './tally.ts';
import { ownProtocol, Tally } from './tally.ts';
import { readTruthLevels } from './truth-levels.ts';

/** A report, without who made the maps of what. */
export type Evaluation = Omit<Report, 'schemaVersion' | 'software' | 'model' | 'data'>;

export interface EvaluateOptions {
  /** Ours alone without. */
  readonly protocols?: readonly Protocol[];
  /** Keeps the maps. What it has already is not located again. */
  readonly maps?: MapsFolder;
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
  { protocols = [ownProtocol], maps, onProgress, signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const tally = new Tally(protocols);
  const excluded: Excluded[] = [];
  const names = fileNames(samples);

  async function look(sample: Sample): Promise<LocatedImage> {
    const { id, set, label } = sample;
    const image = await readImage(sample.image);
    const { width, height } = image;
    const levels = await readTruthLevels(sample, image);
    const { probabilities, score } = checkMap(await locate(image, sample.image), image, sample);
    return { id, set, label, score, width, height, levels, probabilities };
  }

  for (const [done, sample] of samples.entries()) {
    signal?.throwIfAborted();
    onProgress?.(done, samples.length, sample);
    const { id, set } = sample;
    try {
      const there = await maps?.find(sample);
      const image = there ?? (await look(sample));
      tally.add(there || !maps ? image : await maps.keep(sample, image, names[done]!));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      const problem = { id, set, error: error.message };
      excluded.push(problem);
      await maps?.exclude(problem);
    }
  }
  return reportOf(tally, excluded, hashManifest(samples));
}

/** What a tally has found, of the images that were scored and those that could not be. */
export function reportOf(tally: Tally, excluded: readonly Excluded[], manifestSha256: string): Evaluation {
  const images = tally.rows();
  const sets = [...new Set([...images, ...excluded].map(({ set }) => set))].sort();
  const setReport = (name: string | null) => {
    const isIn = ({ set }: { readonly set: string }) => name === null || set === name;
    const [scored, left] = [images.filter(isIn).length, excluded.filter(isIn).length];
    return { samples: scored + left, scored, excluded: left, ...tally.summarize(name) };
  };
  return {
    manifestSha256,
    protocol: ownProtocol,
    overall: setReport(null),
    sets: Object.fromEntries(sets.map(name => [name, setReport(name)])),
    protocols: tally.measure(sets),
    excluded,
    images,
  };
}

/** SHA-256 over the samples' sets, ids and labels: lists with the same one are the same, in whatever order. */
export function hashManifest(samples: readonly Pick<Sample, 'set' | 'id' | 'label'>[]): string {
  const lines = samples.map(({ set, id, label }) => `${set}\t${id}\t${label}\n`).sort();
  return createHash('sha256').update(lines.join('')).digest('hex');
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
