import { blockGrid } from './block-grid.ts';
import { contentCredentials } from './content-credentials.ts';
import { copyMove } from './copy-move.ts';
import { errorLevel } from './error-level.ts';
import type { Evidence, EvidenceId } from './evidence.ts';
import { parseJpeg } from './jpeg-file.ts';
import { jpegGhosts } from './jpeg-ghosts.ts';
import { jpegTables } from './jpeg-tables.ts';
import { metadata } from './metadata.ts';
import { noiseResidual } from './noise-residual.ts';
import { balanced, periodicity, randomness } from './pixel-patterns.ts';
import type { EvidenceKind, Picture, Subject, Tools } from './subject.ts';
import { thumbnail } from './thumbnail.ts';
import { asStored, turnUpright } from './upright.ts';

/** All kinds of evidence, in the order in which they are shown. */
export const evidenceKinds: readonly EvidenceKind[] = [
  errorLevel,
  jpegGhosts,
  blockGrid,
  noiseResidual,
  randomness,
  periodicity,
  balanced,
  copyMove,
  jpegTables,
  metadata,
  thumbnail,
  contentCredentials,
];

export interface ExamineOptions {
  /** The kinds to look for; all of them unless it is said. */
  readonly only?: readonly EvidenceId[];
  /** Told before each kind, which waits for it: its title, how many are done, and how many there are. */
  readonly onProgress?: (title: string, done: number, all: number) => unknown;
}

/**
 * Evidence beside the learned map: every kind, in the order of `evidenceKinds`, with the words to read it by. A kind
 * that a picture does not allow says so in its `summary`; what is wrong with the file is in its `warnings`.
 *
 * It computes for seconds: call it in a worker where something else must go on.
 *
 * @example
 * const picture = { path, bytes, image: await decodeImage(bytes, path) };
 * for (const { title, outcome, summary } of await examine(picture, codecTools)) console.log(title, outcome, summary);
 */
export async function examine(
  { path, bytes, image }: Picture,
  tools: Tools,
  { only, onProgress }: ExamineOptions = {},
): Promise<Evidence[]> {
  const { format, orientation } = image.source;
  const stored = asStored(image, orientation);
  const subject: Subject = { path, bytes, format, image: stored, jpeg: parseJpeg(bytes), tools };
  const kinds = evidenceKinds.filter(({ id }) => only === undefined || only.includes(id));
  const evidence: Evidence[] = [];
  for (const [i, { find, ...text }] of kinds.entries()) {
    await onProgress?.(text.title, i, kinds.length);
    const finding = turnUpright(await find(subject), stored.width, stored.height, orientation);
    evidence.push({ ...text, warnings: [], ...finding });
  }
  return evidence;
}
