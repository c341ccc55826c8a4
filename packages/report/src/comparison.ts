import { UsageError } from '@forgelens/autograd';
import type { Report } from '@forgelens/evaluate';
import type { CurvePoint } from '@forgelens/metrics';
import type { Estimates, ScoredImage } from './measures.ts';
import { estimate, estimateDifference, keyOf } from './measures.ts';

/** A report and the name that a reader knows it by: its file. */
export interface NamedReport {
  readonly name: string;
  readonly report: Report;
}

/** Models side by side on the same images. The first is what the others are compared with. */
export interface Comparison {
  readonly schemaVersion: 1;
  readonly manifestSha256: string;
  readonly data: Report['data'];
  readonly protocol: Report['protocol'];
  /** Images that every report has scored; only these are in the numbers. */
  readonly images: number;
  /** Images that some report could not score. */
  readonly leftOut: readonly string[];
  readonly models: readonly ComparedModel[];
}

export interface ComparedModel {
  readonly name: string;
  readonly model: Report['model'];
  readonly software: Report['software'];
  readonly overall: Estimates;
  /** Less those of the first model; null of the first one itself. */
  readonly difference: Estimates | null;
  readonly sets: Readonly<Record<string, Pick<ComparedModel, 'overall' | 'difference'>>>;
  /** ROC curve of the pooled pixels of all tampered images that this model's report has scored. */
  readonly curve: readonly CurvePoint[];
}

/**
 * Compares reports image by image, over the images that all of them have scored.
 *
 * @throws {UsageError} when there are fewer than two, or they are of different lists of images or protocols.
 */
export function compareReports(reports: readonly NamedReport[]): Comparison {
  const [first, ...others] = reports;
  if (!first || others.length === 0) throw new UsageError('compare: needs two reports or more');
  for (const other of others) checkComparable(first, other);

  const counted = new Map<string, number>();
  for (const { report } of reports)
    for (const image of report.images) counted.set(keyOf(image), (counted.get(keyOf(image)) ?? 0) + 1);
  const isScoredByAll = (image: ScoredImage) => counted.get(keyOf(image)) === reports.length;
  const imagesOf = ({ report }: NamedReport) => report.images.filter(isScoredByAll);
  const sets = [...new Set(imagesOf(first).map(({ set }) => set))].sort();
  const among = (images: readonly ScoredImage[], set: string) => images.filter(image => image.set === set);

  return {
    schemaVersion: 1,
    manifestSha256: first.report.manifestSha256,
    data: first.report.data,
    protocol: first.report.protocol,
    images: imagesOf(first).length,
    leftOut: [...counted].flatMap(([key, n]) => (n < reports.length ? [key] : [])).sort(),
    models: reports.map(named => {
      const numbersOf = (images: readonly ScoredImage[], reference: readonly ScoredImage[]) => ({
        overall: estimate(images),
        difference: named === first ? null : estimateDifference(images, reference),
      });
      const [images, reference] = [imagesOf(named), imagesOf(first)];
      const { name, report } = named;
      return {
        ...{ name, model: report.model, software: report.software },
        ...numbersOf(images, reference),
        curve: report.overall.curve,
        sets: Object.fromEntries(sets.map(set => [set, numbersOf(among(images, set), among(reference, set))])),
      };
    }),
  };
}

function checkComparable(first: NamedReport, other: NamedReport): void {
  const pair = `${first.name} and ${other.name}`;
  const [one, two] = [first.report, other.report];
  const short = (hash: string) => hash.slice(0, 12);
  if (one.manifestSha256 !== two.manifestSha256)
    throw new UsageError(
      `${pair} are of different lists of images (${short(one.manifestSha256)} and ${short(two.manifestSha256)}); evaluate both models on the same list`,
    );
  const rules = ({ protocol: { name, version } }: Report) => `${name}, version ${version}`;
  if (rules(one) !== rules(two))
    throw new UsageError(
      `${pair} are by different protocols (${rules(one)}; ${rules(two)}); evaluate both models by the same one`,
    );
}

/**
 * The report in a JSON text.
 *
 * @param name - of its file
 * @throws {UsageError} when it is something else.
 */
export function parseReport(text: string, name: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const { schemaVersion, images, protocol } = (value ?? {}) as Partial<Report>;
  if (Array.isArray(value))
    throw new UsageError(`${name}: is a list of reports; give each in a file of its own ("score <folder> --json")`);
  if (!Array.isArray(images) || protocol === undefined)
    throw new UsageError(`${name}: is not a report; make one with "forgelens evaluate --json"`);
  if (schemaVersion !== 1)
    throw new UsageError(`${name}: schemaVersion ${String(schemaVersion)} is not 1; make the report anew`);
  return value as Report;
}
