import type { Analysis, Progress } from '@forgelens/analysis';

/** Who looks at a picture: the server that the page came from, or this browser. */
export interface Analyst {
  readonly place: 'server' | 'browser';
  /**
   * Looks at one picture. Several may be asked for at once; they wait for each other.
   * @throws {DataError} when the bytes are not a picture that can be looked at; its message is for the reader
   * @throws the signal's reason when it is aborted
   */
  analyze(picture: GivenPicture, options: AnalystOptions): Promise<Findings>;
}

/** A picture as it was given: the bytes of the file, never pixels that were encoded again; or where the server finds it. */
export type GivenPicture =
  { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> } | { readonly name: string; readonly url: string };

export interface AnalystOptions {
  readonly signal: AbortSignal;
  readonly progress: (progress: AnalystProgress) => void;
}

/**
 * How far the work is. Before the stages of an analysis a picture is uploaded (bytes) or fetched by the server (`total` 0)
 * and waits (`total` 0), or the model is loaded (bytes).
 */
export interface AnalystProgress {
  readonly stage: 'upload' | 'fetch' | 'wait' | 'load' | Progress['stage'];
  readonly done: number;
  readonly total: number;
}

/** What was found in one picture. Files are blobs, so that a browser may keep those of many pictures on disk. */
export interface Findings {
  readonly analysis: Analysis;
  /** The pictures that the analysis names, as PNG, by the `file` that it names them with; 16-bit maps among them. */
  readonly files: ReadonlyMap<string, Blob>;
  /** The report: one page of HTML that opens offline. */
  readonly report: () => Promise<Blob>;
}
