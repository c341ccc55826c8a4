import type { Random } from '@forgelens/autograd';
import {
  crop,
  flipHorizontal,
  jpegRecompress,
  padReflect,
  resizeImage,
  resizeMask,
  rotate90,
  tamperedFraction,
  type Image,
  type Mask,
} from '@forgelens/imaging';

/** A picture with its truth, of one size. */
export interface Example {
  readonly image: Image;
  readonly mask: Mask;
}

/** What of a picture becomes a training example: a part at its own scale, or the whole, squeezed into the square. */
export type Fit = 'crop' | 'resize';

/**
 * A training example of size × size pixels: cut at random (or, squeezed in the end, the whole picture), mirrored and
 * turned by multiples of 90°, and in two of five cases recompressed as a JPEG of quality 50–100, authentic and tampered
 * pictures alike.
 *
 * A picture that is smaller than a crop is extended by reflection. Resizing would wipe out traces, so it is rare before
 * cutting (one in six) and moderate (0.6–1.4). Four in five crops of a tampered picture are chosen to hold both tampered
 * and authentic pixels. Crops begin at multiples of 8 px, so that JPEG's blocks lie in them as they lie in the whole
 * picture.
 */
export async function augment(random: Random, example: Example, size: number, fit: Fit = 'crop'): Promise<Example> {
  let { image, mask } =
    fit === 'crop' ? cutAtRandom(random, extend(resizeRarely(random, example), size), size) : example;
  const turns = random.integer(0, 4);
  for (let i = 0; i < turns; i++) [image, mask] = [rotate90(image), rotate90(mask)];
  if (random.chance(0.5)) [image, mask] = [flipHorizontal(image), flipHorizontal(mask)];
  if (random.chance(0.4))
    image = await jpegRecompress(image, random.integer(50, 101), random.chance(0.7) ? '4:2:0' : '4:4:4');
  return fit === 'crop' ? { image, mask } : squeezed({ image, mask }, size);
}

/** A whole picture, squeezed into the square of size × size pixels. */
export const squeezed = ({ image, mask }: Example, size: number): Example => ({
  image: resizeImage(image, size, size),
  mask: resizeMask(mask, size, size),
});

function resizeRarely(random: Random, { image, mask }: Example): Example {
  if (!random.chance(1 / 6)) return { image, mask };
  const scale = random.uniform(0.6, 1.4);
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  return { image: resizeImage(image, width, height), mask: resizeMask(mask, width, height) };
}

function extend({ image, mask }: Example, size: number): Example {
  const missing = { right: Math.max(0, size - image.width), bottom: Math.max(0, size - image.height) };
  if (missing.right === 0 && missing.bottom === 0) return { image, mask };
  return { image: padReflect(image, missing), mask: padReflect(mask, missing) };
}

/** Of a few random crops the first that holds both kinds of pixels, if both are wanted; else the first. */
function cutAtRandom(random: Random, { image, mask }: Example, size: number): Example {
  const wantsBoth = random.chance(0.8) && mask.data.includes(1);
  const onGrid = (at: number) => at - (at % 8);
  const tampered = wantsBoth ? indicesOf(mask) : [];
  const place = () => {
    const [roomX, roomY] = [image.width - size, image.height - size];
    if (!wantsBoth) return { left: onGrid(random.integer(0, roomX + 1)), top: onGrid(random.integer(0, roomY + 1)) };
    // Around a random tampered pixel, which may be anywhere in the crop.
    const pixel = random.pick(tampered);
    const around = (at: number, room: number) => onGrid(Math.min(Math.max(at - random.integer(0, size), 0), room));
    return { left: around(pixel % mask.width, roomX), top: around(Math.floor(pixel / mask.width), roomY) };
  };
  let chosen = place();
  for (let i = 0; i < 8 && wantsBoth; i++) {
    const fraction = tamperedFraction(crop(mask, chosen.left, chosen.top, size, size));
    if (fraction > 0.005 && fraction < 0.9) break;
    chosen = place();
  }
  const cut = <R extends Image | Mask>(raster: R): R => crop(raster, chosen.left, chosen.top, size, size);
  return { image: cut(image), mask: cut(mask) };
}

function indicesOf({ data }: Mask): number[] {
  const indices: number[] = [];
  for (let i = 0; i < data.length; i++) if (data[i] === 1) indices.push(i);
  return indices;
}
