import { DataError } from '@forgelens/autograd';
import { applyMaskRule, maskFiles, readMaskFile } from '@forgelens/data';
import type { Sample } from '@forgelens/data';
import type { Image } from '@forgelens/imaging';
import { ownProtocol } from './tally.ts';

/**
 * The truth of a sample as levels, 0–255, for protocols cut them where they do: of a mask's file, the mean of red, green
 * and blue; 0 and 255 where the data set has a rule of its own, which holds for every protocol; where there are several
 * masks, the highest of them; and 0 of an authentic picture.
 *
 * @param image - the sample's picture, whose size the mask must have
 * @returns [H·W]
 * @throws {DataError} when a mask cannot be read, has another size than its picture, or a tampered sample's marks nothing.
 */
export async function readTruthLevels(
  sample: Sample,
  { width, height }: Pick<Image, 'width' | 'height'>,
): Promise<Uint8Array> {
  const levels = new Uint8Array(width * height);
  for (const path of maskFiles(sample)) {
    const mask = await readMaskFile(path);
    if (mask.width !== width || mask.height !== height)
      throw new DataError(
        path,
        `the mask is ${mask.width}×${mask.height} but its image is ${width}×${height}; they must be equal`,
      );
    const ofFile = sample.maskRule ? applyMaskRule(mask, sample.maskRule).data.map(marked => 255 * marked) : grey(mask);
    for (let i = 0; i < levels.length; i++) levels[i] = Math.max(levels[i]!, ofFile[i]!);
  }
  if (sample.label === 1 && !levels.some(level => level > ownProtocol.truth.value))
    throw new DataError(sample.mask ?? sample.image, 'the mask marks no pixel but its image is listed as tampered');
  return levels;
}

function grey({ width, height, data }: Image): Uint8Array {
  const levels = new Uint8Array(width * height);
  for (let i = 0; i < levels.length; i++)
    levels[i] = Math.round((data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) / 3);
  return levels;
}
