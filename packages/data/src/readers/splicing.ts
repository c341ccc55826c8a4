import { dataSet } from './layout.ts';

/**
 * Columbia Uncompressed Image Splicing Detection (Hsu and Chang 2006,
 * https://www.ee.columbia.edu/ln/dvmm/downloads/authsplcuncmp/). Masks are JPEG pictures in red and green, brighter near
 * the border of the two parts; the part from the second camera, green (200 or 255), is taken for tampered.
 */
export const columbia = dataSet('columbia', {
  title: 'Columbia Uncompressed',
  source: 'https://www.ee.columbia.edu/ln/dvmm/downloads/authsplcuncmp/',
  expects: '4cam_splc/<…>.tif with 4cam_splc/edgemask/<…>_edgemask.jpg, and 4cam_auth/<…>.tif',
  masks: /(?:^|\/)4cam_splc\/(?:.*\/)?edgemask\/(?<name>[^/]+)_edgemask\.(?:jpe?g|png)$/i,
  tampered: /(?:^|\/)4cam_splc\/(?:4cam_splc\/)?(?<name>[^/]+)\.(?:tiff?|bmp)$/i,
  authentic: /(?:^|\/)4cam_auth\/(?:4cam_auth\/)?(?<name>[^/]+)\.(?:tiff?|bmp)$/i,
  maskRule: { channel: 'green', threshold: 120, tampered: 'above' },
  defects: [
    {
      what: 'its masks say which camera a part is from, not which part was pasted; that green is the pasted one is use',
    },
  ],
});

/**
 * DSO-1 (de Carvalho et al. 2013, https://doi.org/10.1109/TIFS.2013.2265677). Black is tampered, contrary to most.
 */
export const dso1 = dataSet('dso-1', {
  title: 'DSO-1',
  source: 'https://recodbr.wordpress.com/code-n-data/#dso1_dsi1',
  expects: 'DSO-1/splicing-<n>.png with DSO-1-Fake-Images-Masks/splicing-<n>.png, and DSO-1/normal-<n>.png',
  masks: /(?:^|\/)[^/]*masks[^/]*\/splicing-(?<number>\d+)\.png$/i,
  tampered: /(?:^|\/)splicing-(?<number>\d+)\.(?:png|jpe?g|tiff?)$/i,
  authentic: /(?:^|\/)normal-(?<number>\d+)\.(?:png|jpe?g|tiff?)$/i,
  sources: (key, path) => [path.includes('normal-') ? `normal-${key}` : `splicing-${key}`],
  maskRule: { channel: 'mean', threshold: 127.5, tampered: 'below' },
  defects: [{ what: 'its masks are black where the picture is tampered; copies with white ones are about, too' }],
});

/** In the Wild (Huh et al. 2018, https://arxiv.org/abs/1805.04096). */
export const inTheWild = dataSet('in-the-wild', {
  title: 'In the Wild',
  source: 'https://minyoungg.github.io/selfconsistency/',
  expects: 'label_in_wild/images/<n>.jpg with label_in_wild/masks/<n>.png',
  masks: /(?:^|\/)masks\/(?<name>[^/]+)\.png$/i,
  tampered: /(?:^|\/)images\/(?<name>[^/]+)\.(?:jpe?g|png)$/i,
  defects: [{ what: 'it has no authentic pictures' }],
});

/**
 * Multiple Image Splicing Dataset (Kadam et al. 2021, https://doi.org/10.3390/data6100102). A picture has a folder of
 * masks, one for each object; they are added up.
 */
export const misd = dataSet('misd', {
  title: 'MISD',
  source: 'https://zenodo.org/records/5525829',
  expects: 'Sp/<…>.png with Ground Truth Masks/<…>/masks/*.png, and Au/<…>.jpg',
  masks: /(?:^|\/)Ground[ _]?Truth[ _]?Masks\/(?:.*\/)?(?<name>[^/]+)\/masks\/[^/]+\.(?:png|jpe?g)$/i,
  tampered: /(?:^|\/)Sp\/(?<name>[^/]+)\.(?:png|jpe?g)$/i,
  authentic: /(?:^|\/)Au\/(?<name>[^/]+)\.(?:png|jpe?g)$/i,
  severalMasks: true,
  sources: key => {
    const photographs = [...key.matchAll(/([a-z]{3})_?(\d{4,5})(?=_|$)/g)].map(([, scene, n]) => `${scene}${n}`);
    return photographs.length > 0 ? photographs : [key];
  },
  defects: [
    { what: 'its authentic pictures come from CASIA: a model trained on that has seen the sources of its forgeries' },
  ],
});

/** DIS25k (Tahir and Bal 2024, https://arxiv.org/abs/2404.02897), made of OPA. */
export const dis25k = dataSet('dis25k', {
  title: 'DIS25k',
  source: 'https://www.kaggle.com/datasets/erentahir/dis25k',
  expects: 'images/<n>.jpg with masks/<n>.png or .jpg, in train/ and test/ or not',
  masks:
    /(?:^|\/)(?:(?<part>(?<split>train|val|test))[^/]*\/)?masks?\/(?:(?:train|val|test)[^/]*\/)?(?<name>[^/]+)\.(?:png|jpe?g)$/i,
  tampered:
    /(?:^|\/)(?:(?<part>(?<split>train|val|test))[^/]*\/)?images?\/(?:(?:train|val|test)[^/]*\/)?(?<name>[^/]+)\.(?:png|jpe?g)$/i,
  defects: [
    { what: 'it has no authentic pictures, and its OPA backgrounds occur many times, in names that do not say so' },
  ],
});

/**
 * Fantastic Reality (Kniaz, Knyaz and Remondino 2019). Masks are NumPy archives of object classes: what is above 0 is
 * tampered. Groups go by the first photograph that a name gives: by both, nearly all would be one group.
 */
export const fantasticReality = dataSet('fantastic-reality', {
  title: 'Fantastic Reality',
  source: 'http://zefirus.org/MAG',
  expects: 'dataset/ColorFakeImages/<…>.jpg with dataset/SegmentationFake/<…>.npz, and dataset/ColorRealImages/<…>.jpg',
  masks: /(?:^|\/)SegmentationFake\/(?<name>[^/]+)\.npz$/i,
  tampered: /(?:^|\/)ColorFakeImages\/(?<name>[^/]+)\.(?:jpe?g|png)$/i,
  authentic: /(?:^|\/)ColorRealImages\/(?<name>[^/]+)\.(?:jpe?g|png)$/i,
  sources: key => [/^IMG_\d+/.exec(key)?.[0] ?? key],
  defects: [{ what: 'the second photograph of a forgery is not kept on one side of a split' }],
});
