import { dataSet } from './layout.ts';

/**
 * CoMoFoD (Tralic et al. 2013, https://www.vcl.fer.hr/comofod/): `001_F` is forged, `001_O` original, `001_B` the mask
 * in black and white, `001_M` the same in colour. Masks mark the source of the copy, too. Post-processed pictures
 * (`001_F_JC1.jpg`) are sets of their own, `comofod-jc1` and so on; papers measure on `comofod`.
 */
export const comofod = dataSet('comofod', {
  title: 'CoMoFoD',
  source: 'https://www.vcl.fer.hr/comofod/',
  expects: '<n>_F.png with <n>_B.png, and <n>_O.png, in one folder; post-processed ones as <n>_F_JC1.jpg',
  masks: /(?:^|\/)(?<number>\d{3,})_B\.png$/i,
  tampered: /(?:^|\/)(?<number>\d{3,})_F(?:_(?<set>[A-Z]{2}\d+))?\.(?:png|jpe?g)$/i,
  authentic: /(?:^|\/)(?<number>\d{3,})_O(?:_(?<set>[A-Z]{2}\d+))?\.(?:png|jpe?g)$/i,
  defects: [{ what: 'its masks mark the source of each copy as well as the copy' }],
});

/**
 * COVERAGE (Wen et al. 2016, https://github.com/wenbihan/coverage): `1.tif` is original, `1t.tif` forged, and
 * `1forged.tif` its mask; `1copy.tif` and `1paste.tif` mark the source and the similar genuine object.
 */
export const coverage = dataSet('coverage', {
  title: 'COVERAGE',
  source: 'https://github.com/wenbihan/coverage',
  expects: 'image/<n>t.tif with mask/<n>forged.tif, and image/<n>.tif',
  masks: /(?:^|\/)(?<number>\d+)forged\.(?:tiff?|png)$/i,
  tampered: /(?:^|\/)(?<number>\d+)t\.(?:tiff?|png)$/i,
  authentic: /(?:^|\/)(?<number>\d+)\.(?:tiff?|png)$/i,
  defects: [
    {
      files: /^(41|48|55|56|57|58|59|61|95)(t|forged|copy|paste)?\./,
      what: 'one of 9 whose masks have another size than the picture; corrected masks are published',
    },
  ],
});
