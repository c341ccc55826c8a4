/*
 * The one shape of every piece of evidence. An API, a report and a page draw it without knowing the kinds.
 */

/** What each kind of evidence is called in results; the order of `examine`. */
export type EvidenceId =
  | 'error-level'
  | 'jpeg-ghosts'
  | 'block-grid'
  | 'noise-residual'
  | 'randomness'
  | 'periodicity'
  | 'balanced-residual'
  | 'copy-move'
  | 'jpeg-tables'
  | 'metadata'
  | 'thumbnail'
  | 'content-credentials';

/**
 * What came out, never a verdict:
 * - `notable`: something that untouched photographs seldom have; `summary` says what and where;
 * - `quiet`: it was looked for and not found, which is no proof of authenticity;
 * - `shown`: a map or table to be read by eye; no conclusion is drawn from it;
 * - `notApplicable`: this picture cannot be examined so; `summary` says why.
 */
export type Outcome = 'notable' | 'quiet' | 'shown' | 'notApplicable';

/** A map of the whole upright picture, maybe of fewer cells than it has pixels: stretch it over the picture. */
export interface EvidenceMap {
  readonly width: number;
  readonly height: number;
  /** Row-major, width · height numbers in [0, 1]. The scale is fixed, never stretched to the picture. */
  readonly values: Float32Array;
  /** What the value 0 means, with its unit. */
  readonly zero: string;
  /** What the value 1 means, with its unit. */
  readonly one: string;
}

/** A rectangle in pixels of the upright picture. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A place in pixels of the upright picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Two places with the same content. Which one is the copy cannot be told from this. */
export interface MatchedPair {
  readonly a: Box;
  readonly b: Box;
  /** Points of `a` with the points of `b` that show the same: lines to draw. */
  readonly matches: readonly (readonly [Point, Point])[];
  /** Correlation of the two contents, in [0, 1]. */
  readonly similarity: number;
  /** How many px of `a` were matched. */
  readonly area: number;
  /** Turn from a to b in degrees, clockwise; after the mirroring where there is one. */
  readonly rotation: number;
  /** Size of b relative to a. */
  readonly scale: number;
  readonly mirrored: boolean;
}

/** Facts in rows; every row has as many cells as there are columns. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Where a method comes from. */
export interface Source {
  readonly text: string;
  readonly url: string;
}

/** The words that stand beside a kind of evidence wherever it is drawn. */
export interface EvidenceText {
  readonly id: EvidenceId;
  readonly title: string;
  readonly whatItShows: string;
  readonly lookFor: string;
  readonly ignore: string;
  readonly source: Source;
}

/** What one kind of evidence found in one picture. */
export interface Finding {
  readonly outcome: Outcome;
  /** One sentence with the numbers. */
  readonly summary: string;
  readonly map?: EvidenceMap;
  /** Places that `summary` speaks of. */
  readonly boxes?: readonly Box[];
  readonly pairs?: readonly MatchedPair[];
  readonly table?: Table;
  /** What was wrong with the file or limits what was seen; each a sentence. */
  readonly warnings?: readonly string[];
}

/** One kind of evidence for one picture, with the words to read it by. Plain data. */
export interface Evidence extends EvidenceText, Finding {
  readonly warnings: readonly string[];
}

/** A finding of nothing, because the picture cannot be examined so. `reason` is one sentence. */
export const notApplicable = (reason: string, warnings: readonly string[] = []): Finding => ({
  outcome: 'notApplicable',
  summary: reason,
  warnings,
});
