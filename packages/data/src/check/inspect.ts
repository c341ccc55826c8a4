import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

import { DataError } from '@forgelens/autograd';
import { decodeImage, tamperedFraction, type Image, type Mask } from '@forgelens/imaging';

import type { Sample } from '../sample.ts';
import { applyMaskRule, maskFiles, readMaskFile, whiteIsTampered, type MaskRule } from '../truth.ts';
import type { Finding } from './finding.ts';
import { fingerprint, type Fingerprint } from './perceptual-hash.ts';

/** What is seen of one sample's files. */
export interface Inspection {
  readonly sample: Sample;
  /** SHA-256 of each file that could be read, by absolute path. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Of the pixels, in hexadecimal; null when the picture cannot be decoded. */
  readonly pixels: string | null;
  readonly print: Fingerprint | null;
  readonly findings: readonly Finding[];
}

/**
 * Reads a sample's files and looks at them.
 *
 * @param expected - the SHA-256 of files that are known, by absolute path
 */
export async function inspect(sample: Sample, expected: ReadonlyMap<string, string>): Promise<Inspection> {
  const hashes = new Map<string, string>();
  const findings: Finding[] = [];
  const found = (kind: Finding['kind'], text: string, repair: Finding['repair'] = { leaveOut: [sample.id] }) =>
    findings.push({ kind, ids: [sample.id], text, repair });
  /** What a reading gives, or null and a finding when the file is no good. */
  const attempt = async <T>(path: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T | null> => {
    try {
      const bytes = await readFile(path);
      const hash = createHash('sha256').update(bytes).digest('hex');
      hashes.set(path, hash);
      const known = expected.get(path);
      if (known !== undefined && known !== hash)
        found('changed', `${basename(path)} has SHA-256 ${short(hash)} but the manifest states ${short(known)}`);
      return await decode(bytes);
    } catch (error) {
      const { message, code } = error as NodeJS.ErrnoException;
      if (!(error instanceof DataError) && code === undefined) throw error;
      found('unreadable', `${basename(path)}: ${error instanceof DataError ? message.slice(path.length + 2) : code}`);
      return null;
    }
  };

  const image = await attempt(sample.image, bytes => decodeImage(bytes, sample.image));
  const files = maskFiles(sample);
  const pictures: { path: string; picture: Image }[] = [];
  for (const path of files) {
    const picture = await attempt(path, () => readMaskFile(path));
    if (picture) pictures.push({ path, picture });
  }
  if (image && pictures.length === files.length && files.length > 0) {
    const ofOtherSize = pictures.find(
      ({ picture }) => picture.width !== image.width || picture.height !== image.height,
    );
    if (ofOtherSize) found('size-mismatch', sizes(ofOtherSize.path, ofOtherSize.picture, image));
    else lookAtMasks(sample.maskRule ?? whiteIsTampered, pictures, found);
  }
  return {
    sample,
    hashes,
    pixels: image && createHash('sha256').update(`${image.width}×${image.height}`).update(image.data).digest('hex'),
    print: image && fingerprint(image),
    findings,
  };
}

const short = (hash: string): string => `${hash.slice(0, 12)}…`;

function sizes(path: string, mask: Image, image: Image): string {
  const turned = mask.width === image.height && mask.height === image.width ? ', which is the same turned by 90°' : '';
  return `${basename(path)} is ${mask.width}×${mask.height} but the picture is ${image.width}×${image.height}${turned}`;
}

/** Looks at masks of one size, which together are the truth of a sample. */
function lookAtMasks(
  rule: MaskRule,
  pictures: readonly { readonly path: string; readonly picture: Image }[],
  found: (kind: Finding['kind'], text: string, repair?: Finding['repair']) => void,
): void {
  const masks = pictures.map(({ picture }) => applyMaskRule(picture, rule));
  const truth: Mask = {
    ...masks[0]!,
    data: masks[0]!.data.map((_, i) => Number(masks.some(({ data }) => data[i] === 1))),
  };
  const name = basename(pictures[0]!.path);
  const levels = pictures.map(({ picture }) => levelsOf(picture));
  const highest = Math.max(...levels.map(level => level.highest));
  const [coloured, between] = (['coloured', 'between'] as const).map(key =>
    Math.max(...levels.map(level => level[key])),
  );
  const area = tamperedFraction(truth);
  const border = borderFraction(truth);

  // By a rule for one channel colours are meant, and grey ones by a rule with an unusual threshold.
  const plain = rule.channel === 'mean' && rule.threshold === whiteIsTampered.threshold;
  if (plain && coloured! > 0.001)
    return found(
      'coloured-mask',
      `${percent(coloured!)} of ${name} is coloured, but the mean of red, green and blue decides; give the data set that it is of, or a manifest with a maskRule`,
    );
  if (area === 0 && rule.tampered === 'above' && highest > 0)
    return found(
      'empty-mask',
      `${name} marks nothing: its highest value is ${highest} and above ${rule.threshold} is tampered`,
      { maskRule: { ...rule, threshold: highest / 2 } },
    );
  if (area === 0) return found('empty-mask', `${name} marks nothing, but the picture is listed as tampered`);
  if (area === 1) return found('full-mask', `${name} marks every pixel`, {});
  if (area > 0.5 && border > 0.4)
    return found(
      'inverted-mask',
      `${name} marks ${percent(area)} of the picture and ${percent(border)} of its border; ${rule.tampered} ${rule.threshold} is tampered, perhaps it means the contrary`,
      { maskRule: { ...rule, tampered: rule.tampered === 'above' ? 'below' : 'above' } },
    );
  if (plain && between! > 0.005)
    found(
      'grey-mask',
      `${percent(between!)} of ${name} is between 16 and 239; above ${rule.threshold} is tampered`,
      {},
    );
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

/** The parts of a mask's picture that are coloured, and neither black nor white, and its highest value. */
function levelsOf({ data }: Image): { coloured: number; between: number; highest: number } {
  let [coloured, between, highest] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const [low, high] = [Math.min(r, g, b), Math.max(r, g, b)];
    if (high - low > 48) coloured++;
    else if (high >= 16 && low < 240) between++;
    if (high > highest) highest = high;
  }
  const count = data.length / 3;
  return { coloured: coloured / count, between: between / count, highest };
}

/** The part of the outermost pixels that is tampered. */
function borderFraction({ width, height, data }: Mask): number {
  let [count, marked] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x += y === 0 || y === height - 1 ? 1 : Math.max(width - 1, 1)) {
      count++;
      marked += data[y * width + x]!;
    }
  return marked / count;
}
