import { dataSet } from './layout.ts';

/**
 * IMD2020, its real-life part (Novozámský, Mahdian and Saic 2020, https://staff.utia.cas.cz/novozada/db/): a folder
 * for each scene, with one original (`…_orig.jpg`), its manipulations and their masks (`…_mask.png`).
 */
export const imd2020 = dataSet('imd2020', {
  title: 'IMD2020',
  source: 'https://staff.utia.cas.cz/novozada/db/',
  expects: '<scene>/<…>.jpg or .png with <scene>/<…>_mask.png, and <scene>/<…>_orig.jpg',
  masks: /(?:^|\/)(?<scene>[^/]+)\/(?<name>[^/]+)_mask\.png$/i,
  authentic: /(?:^|\/)(?<scene>[^/]+)\/(?<name>[^/]+)_orig\.(?:jpe?g|png)$/i,
  tampered: /(?:^|\/)(?!0jpg\/)(?<scene>[^/]+)\/(?<name>[^/]+)\.(?:jpe?g|png)$/i,
  sources: key => [key.split('/')[0]!],
  defects: [
    {
      files: /^00030_fake/,
      what: 'the mask of z14/00030_fake.jpg has another size than the picture; a corrected one is published',
    },
  ],
});

/**
 * Realistic Tampering (Korus and Huang 2017, https://pkorus.pl/downloads/dataset-realistic-tampering), a folder for each
 * of four cameras. Masks have three levels: black, grey and white; all that is not black is tampered.
 */
export const realisticTampering = dataSet('realistic-tampering', {
  title: 'Realistic Tampering',
  source: 'https://pkorus.pl/downloads/dataset-realistic-tampering',
  expects: '<camera>/tampered-realistic/<…>.TIF with <camera>/ground-truth/<…>.PNG, and <camera>/pristine/<…>.TIF',
  masks: /(?:^|\/)(?<camera>[^/]+)\/ground-truth\/(?<name>[^/]+)\.png$/i,
  tampered: /(?:^|\/)(?<camera>[^/]+)\/tampered-realistic\/(?<name>[^/]+)\.(?:tiff?|png)$/i,
  authentic: /(?:^|\/)(?<camera>[^/]+)\/pristine\/(?<name>[^/]+)\.(?:tiff?|png)$/i,
  maskRule: { channel: 'mean', threshold: 10, tampered: 'above' },
  defects: [{ what: 'its masks have three levels, so a threshold of one half loses the grey one' }],
});
