/** An RGB picture: interleaved, row-major, 0–255. `data` has width · height · 3 bytes. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A ground-truth or predicted mask: one byte a pixel, row-major, 0 authentic, 1 tampered. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** How many bytes a pixel has: 3 for an Image, 1 for a Mask. */
export const channelsOf = (raster: Image | Mask): number => raster.data.length / (raster.width * raster.height);

/** An image of one colour. */
export function filledImage(width: number, height: number, rgb: readonly [number, number, number] = [0, 0, 0]): Image {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = rgb[i % 3]!;
  return { width, height, data };
}

/** A mask that marks nothing. */
export const emptyMask = (width: number, height: number): Mask => ({
  width,
  height,
  data: new Uint8Array(width * height),
});

/**
 * The part of an image or mask with its top left corner at (left, top).
 *
 * @throws {RangeError} when the part is not inside the picture.
 */
export function crop<R extends Image | Mask>(raster: R, left: number, top: number, width: number, height: number): R {
  if (left < 0 || top < 0 || left + width > raster.width || top + height > raster.height)
    throw new RangeError(`crop: ${width}×${height} at (${left}, ${top}) is outside ${raster.width}×${raster.height}`);
  const channels = channelsOf(raster);
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * raster.width + left) * channels;
    data.set(raster.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, data } as R;
}

/** Extends a picture by reflection at its borders (the border pixel is not repeated), as often as needed. */
export function padReflect<R extends Image | Mask>(
  raster: R,
  { left = 0, top = 0, right = 0, bottom = 0 }: { left?: number; top?: number; right?: number; bottom?: number },
): R {
  const channels = channelsOf(raster);
  const [width, height] = [left + raster.width + right, top + raster.height + bottom];
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = reflect(y - top, raster.height) * raster.width;
    const to = y * width * channels;
    data.set(raster.data.subarray(row * channels, (row + raster.width) * channels), to + left * channels);
    const copy = (x: number) => {
      const from = (row + reflect(x - left, raster.width)) * channels;
      for (let c = 0; c < channels; c++) data[to + x * channels + c] = raster.data[from + c]!;
    };
    for (let x = 0; x < left; x++) copy(x);
    for (let x = left + raster.width; x < width; x++) copy(x);
  }
  return { width, height, data } as R;
}

/** `i` folded into [0, extent) as by mirrors on the first and the last pixel. */
function reflect(i: number, extent: number): number {
  const period = Math.max(1, 2 * (extent - 1));
  const folded = ((i % period) + period) % period;
  return Math.min(folded, period - folded);
}

/** Mirrors left and right. */
export const flipHorizontal = <R extends Image | Mask>(raster: R): R => {
  const { width, height } = raster;
  return restride(raster, width, height, width - 1, -1, width);
};

/** Mirrors top and bottom. */
export const flipVertical = <R extends Image | Mask>(raster: R): R => {
  const { width, height } = raster;
  return restride(raster, width, height, (height - 1) * width, 1, -width);
};

/** Turns by 90° clockwise. */
export const rotate90 = <R extends Image | Mask>(raster: R): R => {
  const { width, height } = raster;
  return restride(raster, height, width, (height - 1) * width, -width, 1);
};

/** The same pixels in another order: pixel (x, y) of the result is pixel first + x · stepX + y · stepY of `raster`. */
function restride<R extends Image | Mask>(
  raster: R,
  width: number,
  height: number,
  first: number,
  stepX: number,
  stepY: number,
): R {
  const channels = channelsOf(raster);
  const data = new Uint8Array(raster.data.length);
  let to = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const from = (first + x * stepX + y * stepY) * channels;
      for (let c = 0; c < channels; c++) data[to++] = raster.data[from + c]!;
    }
  return { width, height, data } as R;
}

/** The fraction of a mask's pixels that is tampered, in [0, 1]. */
export function tamperedFraction(mask: Mask): number {
  let tampered = 0;
  for (let i = 0; i < mask.data.length; i++) tampered += mask.data[i]!;
  return tampered / mask.data.length;
}
