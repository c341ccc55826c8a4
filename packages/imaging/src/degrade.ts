import { Random } from '@forgelens/autograd';

import { encodeWebp, decodeOwn, jpegRecompress } from './codec.ts';
import { checkDegradation, type Degradation, type DegradationName } from './degradations.ts';
import { gammaCorrection, gaussianBlur, gaussianNoise } from './filters.ts';
import { crop, padReflect, type Image, type Mask } from './image.ts';
import { resizeImage, resizeMask } from './resize.ts';

/** A picture with its truth, if that is known. */
interface Pair {
  readonly image: Image;
  readonly mask: Mask | null;
}

/**
 * A picture as it is after a degradation, or after several one after the other. Where the geometry changes, the mask
 * changes with it; else it stays as it is.
 *
 * @param seed - of noise and of places: the same seed gives the same picture
 * @throws {UsageError} as `checkDegradation`
 * @example
 * const { image, mask } = await degrade(photo, truth, [{ name: 'jpeg_quality', value: 75 }], 1);
 */
export async function degrade<M extends Mask | null>(
  image: Image,
  mask: M,
  chain: Degradation | readonly Degradation[],
  seed: number | string,
): Promise<{ image: Image; mask: M }> {
  const random = new Random(seed);
  let pair: Pair = { image, mask };
  for (const [i, step] of asList(chain).entries()) {
    checkDegradation(step);
    pair = await apply[step.name](pair, step, random.fork(i));
  }
  return pair as { image: Image; mask: M };
}

const asList = (chain: Degradation | readonly Degradation[]): readonly Degradation[] =>
  'name' in chain ? [chain] : chain;

type Apply = (pair: Pair, step: Degradation, random: Random) => Pair | Promise<Pair>;

const apply: Record<DegradationName, Apply> = {
  jpeg_quality: async ({ image, mask }, step) => ({ image: await jpeg(image, step), mask }),
  webp_quality: async ({ image, mask }, { value }) => ({
    image: await decodeOwn(await encodeWebp(image, { quality: value })),
    mask,
  }),
  blur_sigma: ({ image, mask }, { value }) => ({ image: gaussianBlur(image, value), mask }),
  blur_kernel: ({ image, mask }, { value }) => {
    const radius = (value - 1) / 2;
    return { image: gaussianBlur(image, 0.3 * (radius - 1) + 0.8, radius), mask };
  },
  noise_sigma: ({ image, mask }, { value }, random) => ({ image: gaussianNoise(image, value, random), mask }),
  noise_variance: ({ image, mask }, { value }, random) => ({
    image: gaussianNoise(image, Math.sqrt(value), random),
    mask,
  }),
  gamma: ({ image, mask }, { value }) => ({ image: gammaCorrection(image, value), mask }),
  resize_scale: (pair, { value }) => resizeBy(pair, value),
  resize_longest: (pair, { value }) =>
    resizeBy(pair, Math.min(1, value / Math.max(pair.image.width, pair.image.height))),
  crop_share: ({ image, mask }, { value }, random) => {
    const [width, height] = [atLeastOne(image.width * value), atLeastOne(image.height * value)];
    const left = random.integer(0, image.width - width + 1);
    const top = random.integer(0, image.height - height + 1);
    return {
      image: crop(image, left, top, width, height),
      mask: mask && crop(mask, left, top, width, height),
    };
  },
};

async function jpeg(image: Image, { value, subsampling, grid: [x, y] = [0, 0] }: Degradation): Promise<Image> {
  // What is before the grid's first line belongs to blocks that were cut.
  const before = { left: (8 - x) % 8, top: (8 - y) % 8 };
  const compressed = await jpegRecompress(padReflect(image, before), value, subsampling);
  return crop(compressed, before.left, before.top, image.width, image.height);
}

function resizeBy({ image, mask }: Pair, scale: number): Pair {
  const [width, height] = [atLeastOne(image.width * scale), atLeastOne(image.height * scale)];
  return { image: resizeImage(image, width, height), mask: mask && resizeMask(mask, width, height) };
}

const atLeastOne = (length: number): number => Math.max(1, Math.round(length));
