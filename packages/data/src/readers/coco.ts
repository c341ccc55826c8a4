import { dataSet } from './layout.ts';

/**
 * TampCOCO (Kwon et al. 2022, https://github.com/mjkwon2021/CAT-Net): spliced (`sp`), copy-moved (`cm`), and copy-moved
 * with blur, uncompressed (`bcm`) and compressed (`bcmc`), which shares the masks of `bcm`. Masks may hold 1 for
 * tampered instead of 255, so all above 0 counts. Groups go by the first photograph that a name gives.
 */
export const tampCoco = dataSet('tampcoco', {
  title: 'TampCOCO',
  source: 'https://www.kaggle.com/datasets/qsii24/tampcoco',
  expects: 'sp_images/<…>.jpg with sp_masks/<…>.png; also cm_, bcm_ and bcmc_images/, the last with bcm_masks/',
  masks: /(?:^|\/)(?<kind>sp|cm|bcm)_masks\/(?<name>[^/]+)\.png$/i,
  tampered: /(?:^|\/)(?<set>(?<kind>sp|cm|bcm)c?)_images\/(?<name>[^/]+)\.jpe?g$/i,
  // What an image's name says of compression, and the extensions within, are not in its mask's name.
  alike: key => key.replaceAll(/_aligned_Q\d+|\.jpe?g|\.png/g, ''),
  sources: key => [/\d{12}/.exec(key)?.[0] ?? key],
  maskRule: { channel: 'mean', threshold: 0, tampered: 'above' },
  defects: [
    { what: 'it has no authentic pictures' },
    { what: 'the second photograph of a splice is not kept on one side of a split' },
  ],
});

/** CocoGlide (Guillaro et al. 2023, https://arxiv.org/abs/2212.10957): three names for a picture, one COCO number. */
export const cocoGlide = dataSet('cocoglide', {
  title: 'CocoGlide',
  source: 'https://www.grip.unina.it/download/prog/TruFor/CocoGlide.zip',
  expects: 'fake/glide_inpainting_val2017_<n>_up.png with mask/<object>_<n>_mask.png, and real/<object>_<n>.png',
  masks: /(?:^|\/)mask\/[^/]*?_(?<number>\d+)_mask\.png$/i,
  tampered: /(?:^|\/)fake\/[^/]*?_(?<number>\d+)_up\.png$/i,
  authentic: /(?:^|\/)real\/[^/]*?_(?<number>\d+)\.png$/i,
  defects: [{ what: 'all pictures are 256 × 256 px' }],
});
