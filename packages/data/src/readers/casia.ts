import { basename } from 'node:path';

import { sourceNames } from '../groups.ts';
import { dataSet, type Layout } from './layout.ts';

/** CASIA writes its sources and a number into names; its groups are connected by them. */
const named: Pick<Layout, 'alike' | 'sources'> = {
  /**
   * Dozens of pictures were renamed after their masks were made: S and D changed places, or a source was wrong. The
   * letters of the technique and the number at the end stayed as they were, in all 33 of v1 and all 141 of v2.
   */
  alike: key => key.replace(/^([ST]p)_[DS]_(\w+?)_[a-z]{3}\d+_[a-z]{3}\d+[._](\d+)$/, '$1 $2 $3'),
  sources: (_, path) => sourceNames('casia', basename(path)).map(name => name.replace(/^casia:/, '')),
};

/**
 * Dong, Wang and Tan 2013, https://doi.org/10.1109/ChinaSIP.2013.6625374; masks of Pham et al. 2019,
 * https://github.com/namtpham/casia1groundtruth. The masks are 0 and 255, some with an alpha channel that says nothing.
 */
export const casiaV1 = dataSet('casia-v1', {
  title: 'CASIA v1',
  source: 'https://github.com/namtpham/casia1groundtruth',
  expects: 'Sp_<…>.jpg in Tp/, Tp/CM/ and Tp/Sp/, their masks Sp_<…>_gt.png in any folder, and Au_<…>.jpg',
  masks: /(?:^|\/)(?<name>Sp_[^/]+)_gt\.png$/i,
  tampered: /(?:^|\/)(?<name>Sp_[^/]+)\.(?:jpe?g|png|tiff?)$/i,
  authentic: /(?:^|\/)(?<name>Au_[^/]+)\.(?:jpe?g|png|bmp|tiff?)$/i,
  leftOut: /^Sp_D_NRN_A_(cha0011_sec0011|sce0011_cha0011)_0542\./,
  ...named,
  defects: [
    {
      files: /^Sp_D_NRN_A_(cha0011_sec0011|sce0011_cha0011)_0542\./,
      what: 'it has no mask because it is the authentic Au_cha_0011.jpg, unchanged; it is left out',
    },
    { what: 'tampered and authentic pictures have different JPEG tables: the class can be told without looking' },
    { what: '33 tampered pictures were renamed after their masks were made; they are paired by number' },
    { what: 'many authentic pictures are in CASIA v2 too: a model trained on that has seen them' },
  ],
});

/** The 17 whose masks have another size, of https://github.com/SunnyHaze/IML-Dataset-Corrections. */
const resized =
  /^Tp_\w_\w{3}_\w_\w_\w+_(11227|12437|11524|01602|11912|11913|10508|01654|01883|01778|11230|00751|01719|01971|20010|02316|01980)(_gt)?\./;

/**
 * Dong, Wang and Tan 2013, https://doi.org/10.1109/ChinaSIP.2013.6625374; masks of Pham et al. 2019,
 * https://github.com/namtpham/casia2groundtruth.
 */
export const casiaV2 = dataSet('casia-v2', {
  title: 'CASIA v2',
  source: 'https://github.com/namtpham/casia2groundtruth',
  expects: 'Tp_<…>.jpg and .tif in Tp/, their masks Tp_<…>_gt.png in any folder, and Au_<…>.jpg and .bmp in Au/',
  masks: /(?:^|\/)(?<name>Tp_[^/]+)_gt\d*\.png$/i,
  tampered: /(?:^|\/)(?!jpg\/)[^/]*\/(?<name>Tp_[^/]+)\.(?:jpe?g|tiff?|png|bmp)$/i,
  authentic: /(?:^|\/)(?!jpg\/)[^/]*\/(?<name>Au_[^/]+)\.(?:jpe?g|tiff?|png|bmp)$/i,
  leftOut: /^Tp_D_NRD_S_B_ani20002_nat20042_02437(_gt)?\./,
  ...named,
  defects: [
    { files: resized, what: 'one of 17 whose mask has another size than the picture; corrected masks are published' },
    {
      files: /^Tp_D_NRD_S_B_ani20002_nat20042_02437\./,
      what: 'published readers leave it out, so that 5,122 of 5,123 tampered pictures are left; so does this one',
    },
    { files: /^Tp_D_NRD_S_N_cha10002_cha10001_20094_gt3/, what: 'a mask that ends in _gt3 instead of _gt' },
    {
      files:
        /^Au_(ani_(10140|10141|10210|20016|20017|20034|30794|30795)|arc_(00005|00030|30622)|art_(00006|00007|30076|30132|30139)|cha_(00030|10118|10144|10146|20005|20031|20033|30258)|ind_(00015|00018|00095|00097|00098)|nat_(00006|00020|00031|00036|00037|30035|30295|30311|30387|30397)|pla_(00020|00021|30265|30281)|sec_(00023|00044|30302))\./,
      what: 'one of 23 pairs of authentic pictures that are listed as duplicates',
    },
    { what: '141 tampered pictures were renamed after their masks were made; they are paired by number' },
  ],
});
