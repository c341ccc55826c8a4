import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import type { JpegFile } from './jpeg-file.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** What a reader of C2PA credentials says of a file. */
export interface Credentials {
  /** What is wrong with signature and hashes; empty when they fit. Who signed is not held against a list of trusted signers. */
  readonly problems: readonly string[];
  /** Facts in rows: who signed, with what program, what was done. */
  readonly rows: readonly (readonly [string, string])[];
}

/** Reads the C2PA manifest of a file. @throws anything when the manifest is broken. */
export type CredentialsReader = (bytes: Uint8Array) => Promise<Credentials>;

/**
 * C2PA credentials: a signed statement in the file of who or what made the picture and what was done to it. That there is
 * one is seen without a reader; what it says needs the optional package `@trustnxt/c2pa-ts`. `notable` when its signature or
 * its hashes do not fit the file.
 *
 * C2PA Technical Specification 2.1 (2024), https://c2pa.org/specifications/specifications/2.1/specs/C2PA_Specification.html
 */
export const contentCredentials: EvidenceKind = {
  id: 'content-credentials',
  title: 'Content credentials (C2PA)',
  whatItShows:
    'A statement in the file, signed by a camera, program or publisher: who made the picture, with what, and what was done to it since.',
  lookFor:
    'What was done (“edited”, “placed”, “opened”), a source that is a generator, and a signature that does not fit: then the file was changed after it was signed.',
  ignore:
    'That there are none: few pictures have them, and most websites remove them. Anyone can sign: who signed is shown but not held against a list of trusted signers.',
  source: {
    text: 'C2PA Technical Specification 2.1, 2024',
    url: 'https://c2pa.org/specifications/specifications/2.1/specs/C2PA_Specification.html',
  },
  find,
};

async function find({ bytes, jpeg, format, tools }: Subject): Promise<Finding> {
  if (jpeg === null && format !== 'png')
    return notApplicable(`Credentials are looked for in JPEG and PNG; the file is ${format.toUpperCase()}.`);
  const size = jpeg === null ? sizeInPng(bytes) : sizeInJpeg(jpeg);
  if (size === 0) return { outcome: 'quiet', summary: 'The file carries no content credentials.' };
  const carries = `The file carries content credentials of ${size} bytes`;
  const read = await tools.loadCredentialsReader();
  if (read === null)
    return {
      outcome: 'shown',
      summary: `${carries}; to read them, install the optional package @trustnxt/c2pa-ts.`,
    };
  try {
    const { problems, rows } = await read(bytes);
    return {
      outcome: problems.length > 0 ? 'notable' : 'shown',
      summary:
        problems.length > 0
          ? `${carries}, which do not hold: ${problems.join('; ')}.`
          : `${carries}; signature and hashes fit the file.`,
      table: { columns: ['What', 'Value'], rows },
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      outcome: 'notable',
      summary: `${carries}, which cannot be read.`,
      warnings: [`The content credentials are broken: ${message}.`],
    };
  }
}

/** Bytes of JUMBF boxes in APP11 segments (ISO 19566-5): two letters "JP", numbers, then the box. */
function sizeInJpeg({ segments }: JpegFile): number {
  const boxes = segments.filter(({ name, data }) => name === 'APP11' && data[0] === 0x4a && data[1] === 0x50);
  const isC2pa = boxes.some(({ data }) => hasText(data, 'jumb') && hasText(data, 'c2pa'));
  return isC2pa ? boxes.reduce((sum, { data }) => sum + data.length, 0) : 0;
}

/** Bytes of the chunk `caBX`, which holds the manifest in a PNG. */
function sizeInPng(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= bytes.length;) {
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) return 0;
    if (hasText(bytes.subarray(at + 4, at + 8), 'caBX')) return length;
    at += 12 + length;
  }
  return 0;
}

/** Whether the first 256 bytes contain a text of ASCII letters. */
const hasText = (bytes: Uint8Array, text: string): boolean =>
  String.fromCharCode(...bytes.subarray(0, 256)).includes(text);
