import { readFile } from 'node:fs/promises';

import { DataError } from '@forgelens/autograd';
import { emptyMask, readImage, type Image, type Mask } from '@forgelens/imaging';

import { decodeNpz } from './npz.ts';
import type { Sample } from './sample.ts';

/** How the pixels of a mask's file say what is tampered. Data sets differ, and so do the numbers that follow. */
export interface MaskRule {
  /** What of a pixel counts: the mean of red, green and blue, or one of them. */
  readonly channel: 'mean' | 'red' | 'green' | 'blue';
  /** 0–255. */
  readonly threshold: number;
  /** On which side of the threshold a pixel is tampered; one that equals it is not. */
  readonly tampered: 'above' | 'below';
}

/** The rule of most data sets. */
export const whiteIsTampered: MaskRule = { channel: 'mean', threshold: 127.5, tampered: 'above' };

const channels = { red: 0, green: 1, blue: 2 } as const;

/** The mask that a mask's file means by a rule. */
export function applyMaskRule({ width, height, data }: Image, rule: MaskRule): Mask {
  const marks = new Uint8Array(width * height);
  const { channel, threshold } = rule;
  const [sign, limit] = rule.tampered === 'above' ? [1, threshold] : [-1, -threshold];
  if (channel === 'mean') {
    for (let i = 0; i < marks.length; i++)
      marks[i] = sign * (data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) > 3 * limit ? 1 : 0;
  } else {
    for (let i = 0, at = channels[channel]; i < marks.length; i++, at += 3) marks[i] = sign * data[at]! > limit ? 1 : 0;
  }
  return { width, height, data: marks };
}

/**
 * The picture of a mask's file: an image, or an array in NumPy's `.npz`, of which what is above 0 becomes white.
 *
 * @throws {DataError} when the file is missing or neither.
 */
export async function readMaskFile(path: string): Promise<Image> {
  if (!/\.npz$/i.test(path)) return readImage(path);
  const bytes = await readFile(path).catch((error: Error) => {
    throw new DataError(path, 'no such file', { cause: error });
  });
  return decodeNpz(bytes, path);
}

/** The files of a sample's masks. */
export const maskFiles = ({ mask, moreMasks = [] }: Pick<Sample, 'mask' | 'moreMasks'>): readonly string[] =>
  mask === null ? [] : [mask, ...moreMasks];

/**
 * What is tampered in a sample: its masks, read by its rule and added up; of a sample without a mask, one that marks
 * nothing.
 *
 * @param image - the sample's picture, whose size the mask must have
 * @throws {DataError} when a mask cannot be read, or has another size than its picture.
 */
export async function readTruth(
  sample: Pick<Sample, 'mask' | 'moreMasks' | 'maskRule'>,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Mask> {
  const truth = emptyMask(width, height);
  for (const path of maskFiles(sample)) {
    const mask = applyMaskRule(await readMaskFile(path), sample.maskRule ?? whiteIsTampered);
    if (mask.width !== width || mask.height !== height)
      throw new DataError(
        path,
        `the mask is ${mask.width}×${mask.height} but its image is ${width}×${height}; they must be equal`,
      );
    for (let i = 0; i < truth.data.length; i++) truth.data[i]! |= mask.data[i]!;
  }
  return truth;
}
