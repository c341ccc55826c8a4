import type { Example, Sample } from '@forgelens/data';
import { readTruth } from '@forgelens/data';
import type { Image, Mask } from '@forgelens/imaging';
import { crop, padReflect, readImage } from '@forgelens/imaging';

/** @throws {DataError} when a file cannot be read, or the mask has another size than the picture */
export async function readPair(sample: Sample): Promise<Example> {
  const image = await readImage(sample.image);
  return { image, mask: await readTruth(sample, image) };
}

/** The part of a pair that is at most `longest` pixels wide and high, in the middle of what is tampered. */
export function cutAround({ image, mask }: Example, longest: number): Example {
  const [width, height] = [Math.min(longest, image.width), Math.min(longest, image.height)];
  if (width === image.width && height === image.height) return { image, mask };
  let [count, sumX, sumY] = [0, 0, 0];
  for (let i = 0; i < mask.data.length; i++)
    if (mask.data[i] === 1) {
      count++;
      sumX += i % mask.width;
      sumY += Math.floor(i / mask.width);
    }
  const place = (sum: number, extent: number, part: number) => {
    const middle = count === 0 ? extent / 2 : sum / count;
    return Math.min(Math.max(Math.round(middle - part / 2), 0), extent - part);
  };
  const [left, top] = [place(sumX, image.width, width), place(sumY, image.height, height)];
  return { image: crop(image, left, top, width, height), mask: crop(mask, left, top, width, height) };
}

/** A picture extended to the right and below, by reflection. */
export const extendTo = <R extends Image | Mask>(raster: R, width: number, height: number): R =>
  raster.width === width && raster.height === height
    ? raster
    : padReflect(raster, { right: width - raster.width, bottom: height - raster.height });
