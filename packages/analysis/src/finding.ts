import type { ImageSource } from '@forgelens/imaging';
import type { OperatingPoint, Seen } from '@forgelens/localize';
import type { Score } from './result.ts';

/** Below this many pixels on the shorter side there is too little of a picture to tell traces from noise. */
const smallestSide = 64;

/** What about a picture is odd, in sentences. */
export interface Oddities {
  /** Why what was measured on photographs may not hold for this picture. */
  readonly weakening: readonly string[];
  /** What else differs between the file and what was looked at. */
  readonly notes: readonly string[];
}

export function describeOddities(source: ImageSource, seen: Seen): Oddities {
  const { width, height, orientation, bitDepth, hasAlpha, colourSpace, frames } = source;
  const [across, down] = seen.scale;
  const said = (odd: readonly (readonly [boolean, string])[]) =>
    odd.flatMap(([applies, text]) => (applies ? [text] : []));
  return {
    weakening: said([
      [
        Math.min(width, height) < smallestSide,
        `The picture is only ${width}×${height} pixels; under ${smallestSide} on a side there is too little to go by.`,
      ],
      [colourSpace === 'cmyk', 'The file is in CMYK and was converted to RGB, which weakens traces.'],
    ]),
    notes: said([
      [
        across < 1 || down < 1,
        `The network saw the picture at ${percent(across)} of its width and ${percent(down)} of its height; making it smaller removes traces, and small regions are lost.`,
      ],
      [orientation !== 1, `The EXIF orientation (${orientation}) was applied; the maps show the picture upright.`],
      [frames > 1, `The file has ${frames} frames or pages; the first was looked at.`],
      [bitDepth > 8, `The file has ${bitDepth} bits a channel; the upper 8 were looked at.`],
      [hasAlpha, 'The file has transparency, which was ignored.'],
    ]),
  };
}

/** What a score comes to by an operating point, where one was measured; "inconclusive" where that does not carry over. */
export function findingOf(
  score: number,
  operatingPoint: OperatingPoint | null,
  weakening: readonly string[],
): Score['finding'] {
  if (operatingPoint === null) return null;
  if (weakening.length > 0) return 'inconclusive';
  return score >= operatingPoint.score ? 'suspicious' : 'no finding';
}

const percent = (fraction: number): string => `${Math.round(100 * fraction)} %`;
