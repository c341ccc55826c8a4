import type { ProtocolName } from '@forgelens/evaluate';

/** The tables of a publication. */
export interface PublishedPaper {
  readonly id: string;
  readonly citation: string;
  /** The method that it presents, as its tables call it. */
  readonly method: string;
  readonly tables: Readonly<Record<string, PublishedTable>>;
}

/** A table as it is published. */
export interface PublishedTable {
  readonly title: string;
  /** The rules by which its numbers are taken; null of a table that measures nothing on images. */
  readonly protocol: ProtocolName | null;
  /** The data set that every method was trained on, by the name of its reader; null where that is more than one. */
  readonly trainedOn: string | null;
  readonly columns: readonly PublishedColumn[];
  readonly rows: readonly PublishedRow[];
}

export interface PublishedColumn {
  /** As the table names it: the data set and the metric, or what else it holds. */
  readonly name: string;
  /** What our own numbers must be of to stand beneath; missing where we have none. */
  readonly measured?: {
    readonly dataset: string;
    /** The data set, by the name of its reader. */
    readonly set: string;
    /** Of the table's protocol. */
    readonly measure: string;
    /** How many images the paper says that there are; null where it does not say. */
    readonly images: number | null;
  };
}

export interface PublishedRow {
  readonly method: string;
  /** One for each column; null where the table has none. */
  readonly values: readonly (number | null)[];
  /** Standard deviations, where they are published. */
  readonly deviations?: readonly (number | null)[];
}

/**
 * A column for each data set and metric.
 *
 * @param sets - the data sets by their published names: the names of their readers
 * @param metrics - the metrics by their published names: the protocol's measures
 * @param totals - how many images each data set has, as published
 */
export const columnsOf = (
  sets: Readonly<Record<string, string>>,
  metrics: Readonly<Record<string, string>>,
  totals: Readonly<Record<string, number>> = {},
): PublishedColumn[] =>
  Object.entries(sets).flatMap(([dataset, set]) =>
    Object.entries(metrics).map(([metric, measure]) => ({
      name: `${dataset} ${metric}`,
      measured: { dataset, set, measure, images: totals[dataset] ?? null },
    })),
  );
