import { filledImage, resizeImage, type Image, type Mask } from '@forgelens/imaging/pixels';

/**
 * A page of small pictures, row by row, each fitted into a square cell.
 *
 * @param columns - cells a row
 * @param cell - width and height of a cell, px
 */
export function mosaic(pictures: readonly Image[], { columns = 8, cell = 192 } = {}): Image {
  const gap = 4;
  const rows = Math.ceil(pictures.length / columns);
  const page = filledImage(columns * (cell + gap) + gap, rows * (cell + gap) + gap, [255, 255, 255]);
  for (const [n, picture] of pictures.entries()) {
    const scale = cell / Math.max(picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    const small = resizeImage(picture, width, height);
    const left = gap + (n % columns) * (cell + gap) + Math.floor((cell - width) / 2);
    const top = gap + Math.floor(n / columns) * (cell + gap) + Math.floor((cell - height) / 2);
    for (let y = 0; y < height; y++)
      page.data.set(small.data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * page.width + left));
  }
  return page;
}

/** A mask as a picture: white on black. */
export const maskPicture = ({ width, height, data }: Mask): Image => {
  const grey = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) grey.fill(255 * data[i]!, 3 * i, 3 * i + 3);
  return { width, height, data: grey };
};
