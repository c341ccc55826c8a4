/**
 * How the numbers of a report were taken. It is stored in every report, because the convention alone moves F1 by a
 * factor of two and more. Compare only reports with the same protocol and the same manifest.
 */
export interface Protocol {
  readonly name: string;
  readonly threshold: number;
  readonly comparison: string;
  readonly headline: string;
  readonly perImage: string;
  readonly pooled: string;
  readonly authentic: string;
  readonly auc: string;
  readonly inverse: string;
  readonly border: string;
  readonly mask: string;
  readonly size: string;
  readonly decoding: string;
}

/** The fixed-threshold protocol: nothing is tuned on what is measured. */
export const fixedThreshold = (threshold: number): Protocol => ({
  name: 'fixed-threshold-1',
  threshold,
  comparison: 'a pixel is predicted tampered where its probability > threshold',
  headline: 'f1.perImage of the tampered images',
  perImage: 'unweighted mean over the tampered images; an image where nothing is found counts 0',
  pooled: 'from the pixels of all tampered images together',
  authentic:
    'F1, IoU, Dice and AUC are undefined and leave them out; they have specificity and false-alarm area instead',
  auc: 'of pixels, from raw probabilities; per image exact with ties, pooled from 253954 bins with its error bound',
  inverse: 'never taken',
  border: 'every pixel is scored',
  mask: 'tampered where the mean of red, green and blue > 127.5',
  size: 'the map is scored at the image’s own size; a mask of another size excludes the image',
  decoding: 'EXIF orientation applied, colour profile ignored, alpha dropped, 16 bits cut to 8',
});
