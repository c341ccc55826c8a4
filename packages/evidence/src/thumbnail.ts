import { DataError } from '@forgelens/autograd';
import { resizeImage, type Image } from '@forgelens/imaging/pixels';
import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { growRegions } from './grow-regions.ts';
import { readMetadata } from './metadata.ts';
import { luma, meanCells, median, type Plane } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** The difference, in levels of 0–255, that the map shows as 1. */
const fullScale = 64;
/** A cell of 4 × 4 px of the thumbnail differs from this mean difference on, in levels of 0–255. */
const leastDifference = 32;
/** A region of fewer such cells comes from sharpening, or from how the thumbnail was made. */
const leastCells = 4;
const side = 4;

/**
 * The thumbnail that a camera puts into the EXIF, against the picture as it is now, at the thumbnail's size. Black bars
 * of a thumbnail of another shape are cut off, and brightness and contrast are brought together. Map: the absolute
 * difference of luma; 1 is 64 levels of 0–255 or more.
 *
 * Kee and Farid 2010, "Digital Image Authentication from Thumbnails", https://doi.org/10.1117/12.838834. Unlike the paper:
 * the thumbnails' contents are compared, not how cameras make them.
 */
export const thumbnail: EvidenceKind = {
  id: 'thumbnail',
  title: 'Thumbnail difference',
  whatItShows:
    'Cameras put a small copy of each picture into its file, and some programs forget to renew it. The map shows where that copy and the picture differ.',
  lookFor: 'An object that only one of the two has, or a part that the thumbnail shows beyond the picture’s border.',
  ignore:
    'Thin lines along edges, from sharpening and rounding. A picture that was cropped or rotated differs everywhere. Most programs renew or remove the thumbnail, so no difference says nothing.',
  source: {
    text: 'Kee and Farid 2010, Digital Image Authentication from Thumbnails',
    url: 'https://doi.org/10.1117/12.838834',
  },
  find,
};

async function find({ path, bytes, image, tools }: Subject): Promise<Finding> {
  const encoded = readMetadata(bytes).thumbnail;
  if (encoded === null) return notApplicable('The file has no thumbnail.');
  let small: Image;
  try {
    small = await tools.decode(encoded, `${path} (thumbnail)`);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return notApplicable('The thumbnail in the file is broken.', [`${error.message}.`]);
  }
  const kept = withoutBars(small, image.width / image.height);
  if (kept.width < 2 * side || kept.height < 2 * side)
    return notApplicable(`The thumbnail has only ${small.width}×${small.height} px.`);
  const then = luma(kept);
  const now = luma(resizeImage(image, kept.width, kept.height));
  // What differs at first sight shall not decide how bright the rest is.
  const middle = median(then.data.map((value, i) => value - now.data[i]!));
  const rough = marksOf(then, i => then.data[i]! - now.data[i]! - middle);
  const { gain, offset, correlation } = fitLine(now, then, rough);
  const differenceAt = (i: number) => then.data[i]! - gain * now.data[i]! - offset;
  const marks = marksOf(then, differenceAt);
  const share = marks.cells.reduce((sum, mark) => sum + mark, 0) / marks.cells.length;
  const regions = growRegions(marks.cells, marks.columns, 0, 1).filter(({ members }) => members.length >= leastCells);
  const isOther = correlation < 0.5 || share > 0.5;
  const [across, down] = [image.width / kept.width, image.height / kept.height];
  const boxes = regions.map(({ left, top, right, bottom }) => ({
    left: Math.floor(side * left * across),
    top: Math.floor(side * top * down),
    width: Math.round(side * (right - left + 1) * across),
    height: Math.round(side * (bottom - top + 1) * down),
  }));
  const size = `The thumbnail of ${small.width}×${small.height} px`;
  const likeness = `correlation ${correlation.toFixed(2)}`;
  return {
    outcome: boxes.length > 0 || isOther ? 'notable' : 'quiet',
    summary: isOther
      ? `${size} shows another picture (${likeness}).`
      : boxes.length > 0
        ? `${size} differs from the picture in ${boxes.length} ${boxes.length === 1 ? 'place' : 'places'} (${likeness}).`
        : `${size} shows the same as the picture (${likeness}).`,
    map: {
      width: then.width,
      height: then.height,
      values: then.data.map((_, i) => Math.min(1, Math.abs(differenceAt(i)) / fullScale)),
      zero: 'no difference',
      one: `a difference of ${fullScale} levels of 0–255 or more`,
    },
    boxes,
  };
}

/** The middle of a thumbnail with the picture's shape, where the rest is nearly black: bars that cameras add. */
function withoutBars(small: Image, aspect: number): Image {
  const width = Math.min(small.width, Math.round(small.height * aspect));
  const height = Math.min(small.height, Math.round(small.width / aspect));
  if (small.width - width < 3 && small.height - height < 3) return small;
  const [left, top] = [Math.floor((small.width - width) / 2), Math.floor((small.height - height) / 2)];
  const data = new Uint8Array(3 * width * height);
  let dark = 0;
  let outside = 0;
  for (let y = 0, i = 0; y < small.height; y++)
    for (let x = 0; x < small.width; x++, i += 3) {
      const [u, v] = [x - left, y - top];
      if (u >= 0 && v >= 0 && u < width && v < height) data.set(small.data.subarray(i, i + 3), 3 * (v * width + u));
      else {
        outside++;
        if (Math.max(small.data[i]!, small.data[i + 1]!, small.data[i + 2]!) < 40) dark++;
      }
    }
  return dark > 0.8 * outside ? { width, height, data } : small;
}

interface Marks {
  readonly columns: number;
  /** 1 for each cell of 4 × 4 px with a mean absolute difference of 32 levels or more. */
  readonly cells: Uint8Array;
}

function marksOf(plane: Plane, difference: (i: number) => number): Marks {
  const cells = meanCells({ ...plane, data: plane.data.map((_, i) => Math.abs(difference(i))) }, side);
  return { columns: cells.width, cells: Uint8Array.from(cells.data, value => (value >= leastDifference ? 1 : 0)) };
}

/** The line y ≈ gain · x + offset of least squares where there is no mark, with the correlation of x and y there. */
function fitLine(x: Plane, y: Plane, marks: Marks): { gain: number; offset: number; correlation: number } {
  let [n, sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < x.data.length; i++) {
    const cell = Math.floor(Math.floor(i / x.width) / side) * marks.columns + Math.floor((i % x.width) / side);
    if (marks.cells[cell]) continue;
    const [p, q] = [x.data[i]!, y.data[i]!];
    n++;
    sx += p;
    sy += q;
    sxx += p * p;
    syy += q * q;
    sxy += p * q;
  }
  if (n === 0) return { gain: 1, offset: 0, correlation: 0 };
  const [varX, varY, covariance] = [sxx - (sx * sx) / n, syy - (sy * sy) / n, sxy - (sx * sy) / n];
  // Two pictures of one colour each are the same but for brightness.
  const correlation = varX < n && varY < n ? 1 : covariance / Math.sqrt(Math.max(1e-9, varX * varY));
  const gain = varX < n ? 1 : Math.min(2, Math.max(0.5, covariance / varX));
  return { gain, offset: (sy - gain * sx) / n, correlation };
}
