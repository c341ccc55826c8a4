import type { Random } from '@forgelens/autograd';
import { crop, jpegRecompress, padReflect, resizeImage, type Image, type Mask } from '@forgelens/imaging';

import type { Example } from './augment.ts';

/** What is pasted covers this much of the picture. */
const [leastShare, mostShare] = [0.008, 0.45];

/** A picture saved once more, as an editor does: a JPEG of quality 55–100. */
export const saveAgain = (random: Random, image: Image): Promise<Image> =>
  jpegRecompress(image, random.integer(55, 101), random.chance(0.7) ? '4:2:0' : '4:4:4');

/**
 * A part of one picture laid into another, and the whole saved as a JPEG: what was there already lies on the grid of its
 * first compression, what was pasted mostly does not. The part has the shape of a real forgery, anywhere in the host.
 *
 * @param donor - where the part is from, anywhere in it; may be the host itself
 * @param shape - the mask of a forgery
 * @returns null where the shape does not fit
 */
export async function pasteInto(random: Random, host: Image, donor: Image, shape: Mask): Promise<Example | null> {
  const from = random.chance(0.25) ? rescaled(donor, random.uniform(0.7, 1.3)) : donor;
  const [left, top, right, bottom] = bounds(shape);
  const width = Math.min(right - left, host.width, from.width);
  const height = Math.min(bottom - top, host.height, from.height);
  if (width < 8 || height < 8) return null;
  const part = crop(shape, left, top, width, height);
  const [toX, toY] = [random.integer(0, host.width - width + 1), random.integer(0, host.height - height + 1)];
  const [fromX, fromY] = [random.integer(0, from.width - width + 1), random.integer(0, from.height - height + 1)];
  const alpha = random.chance(0.6) ? softened(part) : Float32Array.from(part.data);
  const data = Uint8Array.from(host.data);
  const mask = new Uint8Array(host.width * host.height);
  let marked = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const share = alpha[y * width + x]!;
      if (share === 0) continue;
      const to = (toY + y) * host.width + toX + x;
      const source = (fromY + y) * from.width + fromX + x;
      for (let c = 0; c < 3; c++)
        data[3 * to + c] = Math.round(data[3 * to + c]! * (1 - share) + from.data[3 * source + c]! * share);
      if (share < 0.5) continue;
      mask[to] = 1;
      marked++;
    }
  const covered = marked / mask.length;
  if (covered < leastShare || covered > mostShare) return null;
  const forged = { width: host.width, height: host.height, data };
  return {
    image: random.chance(0.9) ? await saveAgain(random, forged) : forged,
    mask: { width: host.width, height: host.height, data: mask },
  };
}

const rescaled = (image: Image, scale: number): Image =>
  resizeImage(image, Math.round(image.width * scale), Math.round(image.height * scale));

/** The rectangle around what is marked: left, top, and the first column and row beyond. */
function bounds({ width, data }: Mask): readonly [left: number, top: number, right: number, bottom: number] {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + 1);
  }
  return [left, top, right, bottom];
}

/** The means of 3×3 pixels; the mask goes on by reflection. */
function softened(mask: Mask): Float32Array {
  const { width, height } = mask;
  const wide = padReflect(mask, { left: 1, top: 1, right: 1, bottom: 1 });
  const soft = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let dy = 0; dy < 3; dy++) for (let dx = 0; dx < 3; dx++) sum += wide.data[(y + dy) * wide.width + x + dx]!;
      soft[y * width + x] = sum / 9;
    }
  return soft;
}
