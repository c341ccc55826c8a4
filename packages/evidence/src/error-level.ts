import { bandsOf, widestJpeg } from './bands.ts';
import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { CellMeans, cellSide } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

const quality = 95;
/** Levels of 0–255 that the map shows as 1. */
const fullScale = 16;

/**
 * Error-level analysis: how much each pixel changes when the picture is saved once more as JPEG of quality 95. The map
 * is the mean over red, green and blue of the absolute change, in levels of 0–255; its 1 is 16 levels or more. A map
 * of more than 2²⁰ cells is averaged over squares.
 *
 * Krawetz 2007, "A Picture's Worth… Digital Image Analysis and Forensics",
 * https://www.hackerfactor.com/papers/bh-usa-07-krawetz-wp.pdf. Unlike the paper: the scale is fixed, not stretched to
 * each picture, so that an unremarkable picture looks unremarkable; no conclusion is drawn.
 */
export const errorLevel: EvidenceKind = {
  id: 'error-level',
  title: 'Error-level analysis',
  whatItShows:
    'How much every part of the picture changes when it is saved once more as JPEG. What has been saved often changes little; what was put in later may change more, or less, than what is like it.',
  lookFor:
    'Compare like with like: edges with edges, flat areas with flat areas, textures with textures. A part that is clearly brighter or darker than similar parts has another history of compression.',
  ignore:
    'Edges, fine texture, text and saturated colours are always brighter, flat areas and overexposed ones always darker. A picture that was resized or saved at a low quality after a forgery shows nothing.',
  source: {
    text: 'Krawetz 2007, A Picture’s Worth… Digital Image Analysis and Forensics',
    url: 'https://www.hackerfactor.com/papers/bh-usa-07-krawetz-wp.pdf',
  },
  find,
};

async function find({ image, tools }: Subject): Promise<Finding> {
  const { width, height, data } = image;
  if (width > widestJpeg)
    return notApplicable(`The picture is ${width} px wide; JPEG has no more than ${widestJpeg} px.`);
  const cells = new CellMeans(width, height, cellSide(image));
  const change = new Float32Array(width);
  let total = 0;
  for (const { image: part, from, top, bottom } of bandsOf(image)) {
    const again = (await tools.recompress(part, quality)).data;
    for (let y = top; y < bottom; y++) {
      for (let x = 0, i = 3 * y * width, j = 3 * (y - from) * width; x < width; x++, i += 3, j += 3) {
        const sum =
          Math.abs(data[i]! - again[j]!) +
          Math.abs(data[i + 1]! - again[j + 1]!) +
          Math.abs(data[i + 2]! - again[j + 2]!);
        change[x] = Math.min(1, sum / (3 * fullScale));
        total += sum / 3;
      }
      cells.addRow(y, change);
    }
  }
  const map = cells.means();
  return {
    outcome: 'shown',
    summary: `Saved once more as JPEG of quality ${quality}, a pixel changes by ${(total / (width * height)).toFixed(1)} levels of 0–255 on average.`,
    map: {
      width: map.width,
      height: map.height,
      values: map.data,
      zero: 'no change',
      one: `a change of ${fullScale} levels of 0–255 or more`,
    },
  };
}
