import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';

import { DataError } from '@forgelens/autograd';

import type { Sample } from '../sample.ts';
import { maskFiles, type MaskRule } from '../truth.ts';
import { passes, type Filter } from './index-file.ts';
import type { Listing, Problem } from './listing.ts';

/** The version of the format, in a manifest's first line. */
const format = 'forgelens-manifest/1';

/** A line of a manifest: a sample, with the hashes of its files. Paths are relative to the root in the first line. */
interface Entry {
  readonly id: string;
  readonly set: string;
  readonly split: string | null;
  readonly label: 0 | 1;
  readonly group: string;
  readonly image: string;
  readonly imageSha256: string;
  /** One for most tampered pictures, none for authentic ones. */
  readonly masks: readonly string[];
  readonly masksSha256: readonly string[];
  readonly maskRule?: MaskRule;
}

/** SHA-256 of a file, in hexadecimal. @throws {DataError} when it cannot be read. */
export async function fileSha256(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(path, error.code === 'ENOENT' ? 'no such file' : `cannot be read (${error.code})`, {
      cause: error,
    });
  });
  return createHash('sha256').update(bytes).digest('hex');
}

/** What `writeManifest` needs beside the samples. */
export interface ManifestOptions {
  /** Where the manifest will lie: paths in it are relative to its folder. */
  readonly path: string;
  /** Hashes that are known already, by absolute path. */
  readonly hashes?: ReadonlyMap<string, string>;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * The text of a manifest: JSON Lines, first `{format, root}`, then one sample a line, in the order of set and id, with
 * the SHA-256 of each of its files. Samples with equal files give equal lines wherever they lie.
 *
 * @throws {DataError} when a file cannot be read.
 */
export async function writeManifest(
  samples: readonly Sample[],
  { path, hashes = new Map(), onProgress, signal }: ManifestOptions,
): Promise<string> {
  const root = commonFolder(samples.flatMap(sample => [sample.image, ...maskFiles(sample)]));
  const within = (file: string): string => relative(root, file).replaceAll(sep, '/');
  const sha256 = async (file: string): Promise<string> => hashes.get(file) ?? (await fileSha256(file));
  const lines = [JSON.stringify({ format, root: relative(dirname(resolve(path)), root).replaceAll(sep, '/') || '.' })];
  const order = (a: Sample, b: Sample): number => compare(a.set, b.set) || compare(a.id, b.id);
  for (const [done, sample] of samples.toSorted(order).entries()) {
    signal?.throwIfAborted();
    const { id, set, split, label, group, image, maskRule } = sample;
    const masks = maskFiles(sample);
    const entry: Entry = {
      id,
      set,
      split,
      label,
      group,
      image: within(image),
      imageSha256: await sha256(image),
      masks: masks.map(within),
      masksSha256: await Promise.all(masks.map(sha256)),
      ...(maskRule && { maskRule }),
    };
    lines.push(JSON.stringify(entry));
    onProgress?.(done + 1);
  }
  return `${lines.join('\n')}\n`;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The deepest folder that all files lie in. */
function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] ?? '/x');
  while (!files.every(file => file.startsWith(folder.endsWith(sep) ? folder : folder + sep))) folder = dirname(folder);
  return folder;
}

/** A listing whose files have known hashes. */
export interface ManifestListing extends Listing {
  /** SHA-256 by absolute path, as the manifest states it. */
  readonly hashes: ReadonlyMap<string, string>;
}

/**
 * The samples of a manifest. Its hashes are not compared with the files: `data check` does that.
 *
 * @throws {DataError} when the file is missing or no manifest, with the line that is wrong.
 */
export async function readManifest(path: string, filter: Filter = {}): Promise<ManifestListing> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new DataError(path, 'no such file', { cause: error });
  });
  const [header, ...rows] = text
    .split('\n')
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => ({ number, value: parseLine(line, path, number) }));
  if (header?.value['format'] !== format || typeof header.value['root'] !== 'string')
    throw new DataError(path, `no manifest: its first line must hold "format": "${format}" and "root"`);
  const root = resolve(dirname(path), header.value['root']);
  const hashes = new Map<string, string>();
  const problems: Problem[] = [];
  const samples: Sample[] = [];
  for (const { value, number } of rows) {
    const entry = checkEntry(value, path, number);
    if (!passes(filter, entry)) continue;
    const { id, set, split, label, group, maskRule } = entry;
    const [image, mask = null, ...moreMasks] = [entry.image, ...entry.masks].map(file => resolve(root, file));
    const files = maskFiles({ mask, moreMasks });
    hashes.set(image!, entry.imageSha256);
    for (const [i, file] of files.entries()) hashes.set(file, entry.masksSha256[i]!);
    const missing = [image!, ...files].find(file => !existsSync(file));
    if (missing !== undefined)
      problems.push({
        kind: missing === image ? 'missing-image' : 'missing-mask',
        path: id,
        text: `line ${number}: no such file ${missing}`,
      });
    else
      samples.push({
        ...{ id, set, split, image: image!, mask },
        ...(moreMasks.length > 0 && { moreMasks }),
        ...(maskRule && { maskRule }),
        ...{ label, group },
      });
  }
  return { path, samples, problems, hashes };
}

function parseLine(line: string, path: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below, as for what is JSON but no object.
  }
  throw new DataError(path, `line ${number} is not a JSON object; write one on each line`);
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string');

function checkEntry(value: Record<string, unknown>, path: string, number: number): Entry {
  const texts = ['id', 'set', 'group', 'image', 'imageSha256'].filter(key => typeof value[key] !== 'string');
  const lists = ['masks', 'masksSha256'].filter(key => !isStrings(value[key]));
  const bad = [...texts, ...lists, ...(value['label'] === 0 || value['label'] === 1 ? [] : ['label'])];
  if (bad.length > 0) throw new DataError(path, `line ${number}: ${bad.join(', ')} missing or of another type`);
  return { ...(value as unknown as Entry), split: typeof value['split'] === 'string' ? value['split'] : null };
}
