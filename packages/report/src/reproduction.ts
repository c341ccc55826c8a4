import type { Report } from '@forgelens/evaluate';
import type { PublishedPaper, PublishedTable } from './published/published.ts';

/** In what our number may differ from the published ones above it. */
export const marks = {
  p: 'taken by another protocol than the paper’s: the report has no numbers by it',
  d: 'of other images, of another number of them, or the paper does not say how many it used',
  t: 'trained otherwise, or it is not known on what',
} as const;

export type Mark = keyof typeof marks;

/** One of our own numbers, in the unit of the table. */
export interface OwnValue {
  readonly value: number;
  /** The images that it is of. */
  readonly images: number;
  /** Empty where protocol, data and training are the paper's. */
  readonly marks: readonly Mark[];
}

/** A published table with our own numbers beneath: published ones are as published, ours are ours. */
export interface Reproduction {
  readonly paper: string;
  readonly citation: string;
  readonly table: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly published: PublishedTable['rows'];
  readonly ours: readonly OwnRow[];
}

export interface OwnRow {
  readonly model: Report['model'];
  /** One for each column; null where we have none. */
  readonly values: readonly (OwnValue | null)[];
}

/** What our reports do not say. */
export interface Declared {
  /** Which of our sets stands for which data set, by the name of its reader; a set stands for that of its own name. */
  readonly sets?: Readonly<Record<string, string>>;
  /** What the weights were trained on, by the name of its reader. */
  readonly trainedOn?: string;
}

/** Puts our reports beneath a published table. */
export function reproduce(
  paper: PublishedPaper,
  name: string,
  reports: readonly Report[],
  declared: Declared = {},
): Reproduction {
  const table = paper.tables[name]!;
  return {
    ...{ paper: paper.id, citation: paper.citation, table: name, title: table.title },
    columns: table.columns.map(column => column.name),
    published: table.rows,
    ours: reports.map(report => ({
      model: report.model,
      values: table.columns.map(column => ownValue(report, table, column, declared)),
    })),
  };
}

function ownValue(
  { protocols, sets }: Report,
  { protocol, trainedOn }: PublishedTable,
  { measured }: PublishedTable['columns'][number],
  declared: Declared,
): OwnValue | null {
  if (!measured) return null;
  const found = Object.keys(sets).find(set => (declared.sets?.[set] ?? set) === measured.set);
  if (found === undefined) return null;
  const byTheirs = protocols.find(result => result.protocol.name === protocol)?.sets[found];
  const theirs = byTheirs?.find(({ name }) => name === measured.measure);
  const ours = byOurs(sets[found]!.tampered, measured.measure);
  const value = theirs ? theirs.value : ours;
  if (value === null) return null;
  const images = theirs?.images ?? sets[found]!.tampered.images;
  const differs: Readonly<Record<Mark, boolean>> = {
    p: !theirs,
    d: found !== measured.set || images !== measured.images,
    t: trainedOn === null || declared.trainedOn !== trainedOn,
  };
  const all = Object.keys(differs) as Mark[];
  return { value: 100 * value, images, marks: all.filter(mark => differs[mark]) };
}

/** The nearest that our own protocol has to a measure: the mean of the tampered images at 0.5. */
function byOurs({ f1, iou, auc }: Report['overall']['tampered'], measure: string): number | null {
  const near = ({ F1: f1, DSC: f1, IoU: iou, AUC: auc } as Readonly<Record<string, typeof f1>>)[measure];
  return near?.perImage ?? null;
}
