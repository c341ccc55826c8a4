import { ShapeError, Tensor } from '@forgelens/autograd';

import type { Image, Mask } from './image.ts';

/**
 * Images of one size as a network's input: [N, 3, H, W], float32, in [0, 1].
 *
 * @throws {ShapeError} when there is no image, or when the sizes differ.
 */
export function toTensor(images: readonly Image[]): Tensor<'float32'> {
  const { width, height } = commonSize(images, 'toTensor', 'image');
  const plane = width * height;
  const data = new Float32Array(images.length * 3 * plane);
  for (const [n, image] of images.entries())
    for (let c = 0; c < 3; c++) {
      const to = (n * 3 + c) * plane;
      for (let i = 0; i < plane; i++) data[to + i] = image.data[3 * i + c]! / 255;
    }
  return new Tensor('float32', [images.length, 3, height, width], data);
}

/**
 * Masks of one size as a network's ground truth: [N, 1, H, W], float32, 0 authentic, 1 tampered.
 *
 * @throws {ShapeError} when there is no mask, or when the sizes differ.
 */
export function masksToTensor(masks: readonly Mask[]): Tensor<'float32'> {
  const { width, height } = commonSize(masks, 'masksToTensor', 'mask');
  const data = new Float32Array(masks.length * width * height);
  for (const [n, mask] of masks.entries()) data.set(mask.data, n * width * height);
  return new Tensor('float32', [masks.length, 1, height, width], data);
}

function commonSize(rasters: readonly (Image | Mask)[], who: string, what: string): { width: number; height: number } {
  const [first] = rasters;
  if (first === undefined) throw new ShapeError(who, `no ${what} to make a tensor of; give at least one`);
  for (const [i, { width, height }] of rasters.entries())
    if (width !== first.width || height !== first.height)
      throw new ShapeError(
        who,
        `${what} ${i} is ${width}×${height} but ${what} 0 is ${first.width}×${first.height}; crop or resize them to one size first`,
      );
  return first;
}
