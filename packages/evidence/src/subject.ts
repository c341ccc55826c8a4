import type { DecodedImage } from '@forgelens/imaging';
import type { Image } from '@forgelens/imaging/pixels';
import type { CredentialsReader } from './content-credentials.ts';
import type { EvidenceText, Finding } from './evidence.ts';
import type { JpegFile } from './jpeg-file.ts';

/** One picture: its file as it came, and its pixels as `decodeImage` gives them. */
export interface Picture {
  /** The file's name, for messages. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly image: DecodedImage;
}

/** What needs more than arithmetic. `@forgelens/evidence/tools` fills it. */
export interface Tools {
  /** The picture as it comes back from a baseline JPEG (4:2:0, the standard's tables) of a quality of 1–100. */
  recompress(image: Image, quality: number): Promise<Image>;
  /** The pixels of an encoded picture, as stored: the orientation is not applied. @throws {DataError} */
  decode(bytes: Uint8Array, path: string): Promise<Image>;
  /** The optional reader of C2PA credentials, or null where none is installed. */
  loadCredentialsReader(): Promise<CredentialsReader | null>;
}

/** What a kind of evidence is given. */
export interface Subject {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** `jpeg`, `png`, … as of the decoder. */
  readonly format: string;
  /** Pixels as stored in the file, before the orientation: the grid of a JPEG begins at its top left corner. */
  readonly image: Image;
  /** The file's segments, or null when it is not a JPEG. */
  readonly jpeg: JpegFile | null;
  readonly tools: Tools;
}

/** A kind of evidence: its words and its arithmetic. Places and maps of a finding are those of `subject.image`. */
export interface EvidenceKind extends EvidenceText {
  readonly find: (subject: Subject) => Finding | Promise<Finding>;
}
