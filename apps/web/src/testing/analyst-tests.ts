import type { Analysis } from '@forgelens/analysis';
import type { ImageSource } from '@forgelens/imaging';

/** What came of a picture, as a test can be handed it. */
export interface Seen {
  readonly analysis: Analysis;
  /** The PNG files, in Base64. */
  readonly files: Readonly<Record<string, string>>;
  readonly report: string;
  readonly stages: readonly string[];
}

/** What came of decoding a file: the source, and the SHA-256 of the pixels. */
export type Decoded = { readonly source: ImageSource; readonly sha256: string } | { readonly error: string };

/** What the page of the tests can do. Pictures come in Base64. */
export interface Tests {
  see(name: string, base64: string): Promise<Seen>;
  /** What a picture is answered with that is stopped as soon as it is decoded, or that is none. */
  refuse(name: string, base64: string): Promise<string>;
  decode(name: string, base64: string): Promise<Decoded>;
}
