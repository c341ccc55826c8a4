import type { Image } from '@forgelens/imaging/pixels';

/** Rows of a picture that are looked at together. */
export interface Band {
  /** These rows, and up to 16 more above and below, which only help. A view: no pixel is copied. */
  readonly image: Image;
  /** The first row of `image`; a multiple of 16, as are all others but the last one of the picture. */
  readonly from: number;
  /** The rows that the band is for: top ≤ y < bottom. */
  readonly top: number;
  readonly bottom: number;
}

/** Wider pictures cannot be saved as JPEG. In px. */
export const widestJpeg = 65_500;

/** So many px a band has at most, unless 16 rows have more. */
const mostPixels = 2 ** 22;
/** What a JPEG makes of a row depends on no row of another block but the next one, of which it smooths the colours. */
const block = 16;

/**
 * A picture from top to bottom in bands, so that what is made of its pixels on the way need not be there for all of it at
 * once. Saving a band as JPEG does to its rows just what saving the whole picture does.
 */
export function* bandsOf(image: Image, most = mostPixels): Generator<Band> {
  const rows = Math.max(block, Math.floor(most / image.width / block) * block);
  for (let top = 0; top < image.height; top += rows) {
    const bottom = Math.min(image.height, top + rows);
    const from = Math.max(0, top - block);
    yield { image: rowsOf(image, from, Math.min(image.height, bottom + block)), from, top, bottom };
  }
}

/** The rows top ≤ y < bottom of a picture, as a view. */
export const rowsOf = ({ width, data }: Image, top: number, bottom: number): Image => ({
  width,
  height: bottom - top,
  data: data.subarray(3 * top * width, 3 * bottom * width),
});
