/** A file that the page needs, as it was when the page was built. */
export interface Asset {
  /** Relative to the page. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}
