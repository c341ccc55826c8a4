import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DataError, UsageError } from '@forgelens/autograd';
import { readTruth } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import type { ImageResult, MapsFolder, Report } from '@forgelens/evaluate';
import { readImage } from '@forgelens/imaging';
import type { Localizer } from '@forgelens/localize';
import type { View } from '@forgelens/report';
import { chooseExhibits, evaluationCsv, evaluationPage, makeExhibits, parseReport } from '@forgelens/report';
import { newFile } from './outputs.ts';

/**
 * The report in a file.
 * @throws {UsageError} when there is none
 */
export async function readReport(cwd: string, file: string): Promise<Report> {
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch(() => {
    throw new UsageError(`${file}: no such report; make one with "forgelens evaluate --json > ${file}"`);
  });
  return parseReport(text, file);
}

/** Files of a report that a user asked for. */
export interface ReportOptions {
  readonly report?: string;
  readonly csv?: string;
}

/** Where to write them, found out before the work is done. */
export interface ReportFiles {
  readonly html: string | null;
  readonly csv: string | null;
}

/** @throws {UsageError} when there is a file already, or no folder for it */
export const reportFiles = (cwd: string, { report, csv }: ReportOptions): ReportFiles => ({
  html: report === undefined ? null : newFile(cwd, report, '--report'),
  csv: csv === undefined ? null : newFile(cwd, csv, '--csv'),
});

/** Writes what was asked for; the texts are made only then. */
export async function writeReport(
  { html, csv }: ReportFiles,
  texts: { readonly html: () => string | Promise<string>; readonly csv: () => string },
): Promise<void> {
  if (html !== null) await writeFile(html, await texts.html());
  if (csv !== null) await writeFile(csv, texts.csv());
}

/** Writes what was asked for of an evaluation. `see` shows the images that are best and worst. */
export const writeEvaluation = (
  files: ReportFiles,
  report: Report,
  command: string,
  see: (image: ImageResult) => Promise<View>,
): Promise<void> =>
  writeReport(files, {
    html: async () => {
      const exhibits = await makeExhibits(chooseExhibits(report), async image => {
        try {
          return await see(image);
        } catch (error) {
          // A picture may be gone; its numbers are not.
          if (error instanceof DataError) return null;
          throw error;
        }
      });
      return evaluationPage(report, { command, exhibits });
    },
    csv: () => evaluationCsv(report),
  });

/** Shows samples by maps that are made anew. */
export function seeSamples(samples: readonly Sample[], localizer: Localizer): (image: ImageResult) => Promise<View> {
  const byKey = new Map(samples.map(sample => [keyOf(sample), sample]));
  return async result => {
    const sample = byKey.get(keyOf(result))!;
    const image = await readImage(sample.image);
    const { probabilities } = await localizer.locate(image);
    return { image, truth: await readTruth(sample, image), probabilities };
  };
}

/** Shows images by the maps and truths of a folder. */
export function seeMaps(maps: MapsFolder): (image: ImageResult) => Promise<View> {
  const byKey = new Map(maps.images().map(entry => [keyOf(entry), entry]));
  return async result => {
    const { image: file, masks } = byKey.get(keyOf(result))!;
    const [mask = null, ...moreMasks] = masks;
    const image = await readImage(file);
    const found = await maps.find({ ...result, image: file, mask, moreMasks, split: null, group: result.id });
    if (!found) throw new DataError(file, 'is not the picture that the map is of');
    const { width, height, levels, probabilities } = found;
    return { image, truth: { width, height, data: levels.map(level => Number(level > 127.5)) }, probabilities };
  };
}

const keyOf = ({ set, id }: { readonly set: string; readonly id: string }): string => JSON.stringify([set, id]);
