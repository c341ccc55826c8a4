import type { Counts, Summary } from '@forgelens/metrics';
import type { Measured } from './protocols/measure.ts';
import type { Protocol } from './protocols/protocol.ts';

/**
 * What `evaluate --json` and `score --json` print, and what reports are made of. Every number says how it was taken;
 * undefined is null, everywhere. Fields are added, and never change their meaning within a version.
 */
export interface Report {
  readonly schemaVersion: 1;
  /** What computed the numbers. */
  readonly software: { readonly name: string; readonly version: string };
  /** The model that made the maps. */
  readonly model: ScoredModel;
  /** The pictures, as they were asked for. */
  readonly data: DataSelection;
  /** SHA-256 over the samples' sets, ids and labels: two reports with the same one are of the same list. */
  readonly manifestSha256: string;
  /** The rules of `overall`, `sets` and `images`. */
  readonly protocol: Protocol;
  readonly overall: SetReport;
  readonly sets: Readonly<Record<string, SetReport>>;
  /** Every protocol that was asked for. */
  readonly protocols: readonly ProtocolResult[];
  readonly excluded: readonly Excluded[];
  /** One row for each scored image, in the order of set and id. */
  readonly images: readonly ImageResult[];
}

/** Of a model, what its results depend on. */
export interface ScoredModel {
  readonly id: string;
  readonly version: string;
  /** SHA-256 of the weights file, in hexadecimal. */
  readonly weightsSha256: string;
  /** How an image of any size was brought to the network, in words. */
  readonly sizePolicy: string;
}

/** Which samples of which data set. */
export interface DataSelection {
  readonly path: string;
  readonly split?: string;
  readonly sets?: readonly string[];
  readonly limit?: number;
}

/** A sample that is in no number of the report, and why. */
export interface Excluded {
  readonly id: string;
  readonly set: string;
  readonly error: string;
}

/** The scores of a set of samples, by our own protocol: see `Summary` for every field. */
export interface SetReport extends Summary {
  readonly samples: number;
  readonly scored: number;
  readonly excluded: number;
}

/** A protocol's numbers, headline first. */
export interface ProtocolResult {
  readonly protocol: Protocol;
  readonly overall: readonly Measured[];
  readonly sets: Readonly<Record<string, readonly Measured[]>>;
}

/** One scored image. */
export interface ImageResult {
  readonly id: string;
  readonly set: string;
  readonly label: 0 | 1;
  /** At the threshold of `Report.protocol`. */
  readonly counts: Counts;
  readonly f1: number | null;
  readonly iou: number | null;
  readonly auc: number | null;
  readonly averagePrecision: number | null;
  /** The highest F1 of any threshold, an oracle; the threshold is null where marking everything is best. */
  readonly best: { readonly f1: number; readonly threshold: number | null } | null;
  /** The localizer's score of the whole image, in [0, 1]. */
  readonly score: number;
  /** One score of the whole image by each of `poolingRules`, in [0, 1]. */
  readonly scores: Readonly<Record<string, number>>;
  /** By protocol, its measures that have a value for each image, by their names. */
  readonly protocols: Readonly<Record<string, Readonly<Record<string, number | null>>>>;
}
