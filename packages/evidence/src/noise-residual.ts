import { rowsOf } from './bands.ts';
import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { luma, median } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** The side of a cell, in px. */
const side = 16;
/** The standard deviation, in levels of 0–255, that the map shows as 1. */
const fullScale = 8;

/**
 * Noise residual: what a filter that knows neither planes nor straight ramps leaves of the luma, as the standard
 * deviation of the noise in each cell of 16 × 16 px, from the median of the absolute residual. In levels of 0–255; the
 * map's 1 is 8 levels or more.
 *
 * Filter: Immerkær 1996, "Fast Noise Variance Estimation", https://doi.org/10.1006/cviu.1996.0060. Use: Mahdian and Saic
 * 2009, "Using noise inconsistencies for blind image forensics", https://doi.org/10.1016/j.imavis.2009.02.001. Unlike the
 * latter: Immerkær's filter in place of a wavelet's, and cells are not merged into regions: no conclusion is drawn.
 */
export const noiseResidual: EvidenceKind = {
  id: 'noise-residual',
  title: 'Noise residual',
  whatItShows:
    'How strong the finest noise is in each part of the picture. A sensor leaves much the same noise everywhere; what was generated, smoothed, enlarged or brought from another camera has less or more of it.',
  lookFor:
    'A part with clearly less or more noise than parts of the same brightness and sharpness, with a border that follows an object.',
  ignore:
    'Fine texture (grass, hair, fabric) looks like noise. Overexposed, black and out-of-focus parts have none. JPEG at low quality removes it, and phones smooth skin and sky themselves.',
  source: {
    text: 'Mahdian and Saic 2009, Using noise inconsistencies for blind image forensics',
    url: 'https://doi.org/10.1016/j.imavis.2009.02.001',
  },
  find,
};

function find({ image }: Subject): Finding {
  const { width, height } = image;
  if (width < side || height < side)
    return notApplicable(`The picture has ${width}×${height} px; noise is measured from ${side}×${side} px on.`);
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const deviations = new Float32Array(columns * rows);
  const residuals = new Float32Array(side * side);
  for (let row = 0; row < rows; row++) {
    // The last cells are moved inside; the filter needs a pixel on each side.
    const top = Math.max(1, Math.min(row * side, height - side - 1));
    const { data, height: high } = luma(rowsOf(image, top - 1, Math.min(height, top + side + 1)));
    for (let column = 0; column < columns; column++) {
      const left = Math.max(1, Math.min(column * side, width - side - 1));
      let count = 0;
      for (let y = 1; y < high - 1; y++)
        for (let x = left; x < Math.min(left + side, width - 1); x++) {
          const i = y * width + x;
          const edge = data[i - 1]! + data[i + 1]! + data[i - width]! + data[i + width]!;
          const corner = data[i - width - 1]! + data[i - width + 1]! + data[i + width - 1]! + data[i + width + 1]!;
          residuals[count++] = Math.abs(4 * data[i]! - 2 * edge + corner);
        }
      // Noise of deviation 1 gives a residual of 6, and the median of |normal| is 0.6745 deviations.
      deviations[row * columns + column] = median(residuals.subarray(0, count)) / (6 * 0.6745);
    }
  }
  const typical = median(deviations.slice());
  return {
    outcome: 'shown',
    summary: `The finest noise has a standard deviation of ${typical.toFixed(1)} levels of 0–255 in the median cell of ${side}×${side} px.`,
    map: {
      width: columns,
      height: rows,
      values: deviations.map(value => Math.min(1, value / fullScale)),
      zero: 'no noise',
      one: `noise of a standard deviation of ${fullScale} levels of 0–255 or more`,
    },
  };
}
