import { UsageError } from '@forgelens/autograd';
import type { Image } from '@forgelens/imaging';

/** Where an image may have been tampered with, at the image's own size. */
export interface Localization {
  readonly width: number;
  readonly height: number;
  /** Probability of tampering, [H·W] row-major, in [0, 1]. */
  readonly probabilities: Float32Array;
  /** Of the image as a whole, in [0, 1]; by the rule that `ModelInfo.scoreRule` names. */
  readonly score: number;
  readonly seen: Seen;
}

/** How the network got to see an image. */
export interface Seen {
  /** Pixels that the network saw for one of the image, across and down; 1 at native resolution. */
  readonly scale: readonly [x: number, y: number];
  /** The tiles that were looked at one by one; null for an image that was looked at as a whole. */
  readonly tiles: Tiling | null;
}

export interface Tiling {
  /** Side of a tile, and the least that neighbours overlap, in pixels. */
  readonly size: number;
  readonly overlap: number;
  readonly columns: number;
  readonly rows: number;
}

/** The native view of an image in one piece. */
export const seenWhole: Seen = { scale: [1, 1], tiles: null };

/** A score with the share of authentic images that reach it. */
export interface OperatingPoint {
  /** From this score on, an image is worth a look. */
  readonly score: number;
  /** The fraction of authentic images whose score is as high, in [0, 1]. */
  readonly falseAlarmRate: number;
  /** The fraction of tampered images whose score is as high, in [0, 1]; null where none were scored. */
  readonly sensitivity: number | null;
  /** What it was measured on: the authentic images, none of which the model was trained on. */
  readonly images: number;
  readonly sets: readonly string[];
  /** What was done to each image: it was scored as it is, and after each of these (`jpeg_quality=75`). */
  readonly degradations: readonly string[];
}

/** What a result says about the model that made it. */
export interface ModelInfo {
  readonly id: string;
  readonly version: string;
  readonly name: string;
  /** How many trained numbers the model has. */
  readonly parameters: number;
  /** Of the weights: under which terms they may be used. */
  readonly licence: string;
  /** SHA-256 of the weights file, in hexadecimal. */
  readonly weightsSha256: string;
  /** What the network gets to see, in words: channels, range, normalization. */
  readonly input: string;
  /** How an image of any size is brought to the network, in words. */
  readonly sizePolicy: string;
  /** How the score of an image is taken from its map, in words. */
  readonly scoreRule: string;
  /** Measured for these weights and this rule; null where it was not. */
  readonly operatingPoint: OperatingPoint | null;
  /** What the model is known not to see, or to see where nothing is. One sentence each. */
  readonly limitations: readonly string[];
}

/** A model that is ready to look at images, with its weights and its runtime. */
export interface Localizer {
  readonly info: ModelInfo;
  locate(image: Image, options?: LocateOptions): Promise<Localization>;
  close(): Promise<void>;
}

export interface LocateOptions {
  /** Told after each tile how many of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the work before the next tile, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What is known of a model without opening it, from its model card. */
export interface ModelCard {
  readonly id: string;
  readonly name: string;
  /** Publication or origin. */
  readonly source: string;
  readonly parameters: number;
  readonly input: string;
  readonly sizePolicy: string;
  /** The weights that come with the program; null where there are none and the model must be trained first. */
  readonly weights: { readonly bytes: number; readonly sha256: string; readonly licence: string } | null;
  /** As measured when the weights were released, by set and metric. */
  readonly scores: readonly { readonly set: string; readonly metric: string; readonly value: number }[];
  /** Measured for the weights; null where it was not. */
  readonly operatingPoint: OperatingPoint | null;
  readonly limitations: readonly string[];
}

/** Every result carries this sentence, because every score below the threshold is read as more than it says. */
export const absenceIsNoProof = 'Absence of a finding is not proof of authenticity.';

/** The error of an id that is neither a known model nor a checkpoint, with the id that was probably meant. */
export function unknownModel(given: string, known: readonly string[]): UsageError {
  const meant = nearest(given, known);
  const hint = meant === null ? ' and no such file' : `; did you mean "${meant}"?`;
  return new UsageError(`unknown model "${given}"${hint} (models: ${known.join(', ')})`);
}

/** The known word that was probably meant; null where none is like the given one. */
export function nearest(given: string, known: readonly string[]): string | null {
  const byDistance = known
    .map(word => ({ word, distance: editDistance(given, word) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = byDistance;
  return best !== undefined && best.distance <= Math.max(2, given.length / 3) ? best.word : null;
}

/** How many letters must be added, dropped or changed to make `a` into `b` (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
