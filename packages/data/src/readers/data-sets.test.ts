import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { emptyMask, filledImage, readImage } from '@forgelens/imaging';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { npz, writeFiles } from '../testing.ts';
import { readTruth } from '../truth.ts';
import { dataSets, type DataSetName } from './data-sets.ts';
import { listDataset, readDataset } from './read-dataset.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'forgelens-'))));
afterEach(() => rm(folder, { recursive: true }));

const image = { image: filledImage(4, 2) };
/** A mask whose left half is of one colour and whose right half is of another. */
const halves = (left: readonly [number, number, number], right: readonly [number, number, number]) => {
  const picture = filledImage(4, 2, right);
  for (let i = 0; i < 8; i++) if (i % 4 < 2) picture.data.set(left, 3 * i);
  return { image: picture };
};
const [black, grey, white] = [
  [0, 0, 0],
  [128, 128, 128],
  [255, 255, 255],
] as const;
/** The left half is tampered. */
const mask = halves(white, black);

/** What a folder holds, and what is read of it: id, masks, set, group, and which pixels of the first row are tampered. */
const fixtures: Record<DataSetName, [files: Parameters<typeof writeFiles>[1], samples: string[], problems?: string[]]> =
  {
    'casia-v1': [
      {
        'Modified Tp/Tp/CM/Sp_S_CND_A_pla0016_pla0016_0196.jpg': image,
        'Modified Tp/Tp/Sp/Sp_D_NND_A_nat0054_nat0054_0189.jpg': image,
        'Modified Tp/Tp/Sp/Sp_D_NRN_A_cha0011_sec0011_0542.jpg': image,
        'Au/Au_pla_0016.jpg': image,
        'CASIA 1.0 groundtruth/CM/Sp_S_CND_A_pla0016_pla0016_0196_gt.png': mask,
        'CASIA 1.0 groundtruth/CM/Sp_S_NND_A_nat0054_nat0054_0189_gt.png': mask,
      },
      [
        'Modified Tp/Tp/CM/Sp_S_CND_A_pla0016_pla0016_0196.jpg + CASIA 1.0 groundtruth/CM/Sp_S_CND_A_pla0016_pla0016_0196_gt.png | casia-v1 casia-v1:pla0016 1100',
        'Modified Tp/Tp/Sp/Sp_D_NND_A_nat0054_nat0054_0189.jpg + CASIA 1.0 groundtruth/CM/Sp_S_NND_A_nat0054_nat0054_0189_gt.png | casia-v1 casia-v1:nat0054 1100',
        'Au/Au_pla_0016.jpg + nothing | casia-v1 casia-v1:pla0016 0000',
      ],
    ],
    'casia-v2': [
      {
        'Tp/Tp_D_CRN_S_N_cha00063_art00014_11818.jpg': image,
        'Tp/Tp_S_NRN_M_N_cha00085_ani10104_10029.png': image,
        'jpg/Tp_S_NRN_M_N_cha00085_ani10104_10029.jpg': image,
        'Tp/Thumbs.db': '',
        'Au/Au_art_00014.jpg': image,
        'CASIA 2 Groundtruth/Tp_D_CRN_S_N_cha00063_art00014_11818_gt3.png': mask,
        'CASIA 2 Groundtruth/Tp_D_NRN_M_N_cha00085_ani10104_10029_gt.png': mask,
      },
      [
        'Tp/Tp_D_CRN_S_N_cha00063_art00014_11818.jpg + CASIA 2 Groundtruth/Tp_D_CRN_S_N_cha00063_art00014_11818_gt3.png | casia-v2 casia-v2:art00014 1100',
        'Tp/Tp_S_NRN_M_N_cha00085_ani10104_10029.png + CASIA 2 Groundtruth/Tp_D_NRN_M_N_cha00085_ani10104_10029_gt.png | casia-v2 casia-v2:ani10104 1100',
        'Au/Au_art_00014.jpg + nothing | casia-v2 casia-v2:art00014 0000',
      ],
    ],
    dis25k: [
      { 'train/images/7.jpg': image, 'train/masks/7.png': mask, 'test/images/7.jpg': image, 'test/masks/7.png': mask },
      [
        'test/images/7.jpg + test/masks/7.png | dis25k dis25k:test/7 1100',
        'train/images/7.jpg + train/masks/7.png | dis25k dis25k:train/7 1100',
      ],
    ],
    columbia: [
      {
        '4cam_splc/canong3_nikond70_sub_05.tif': image,
        '4cam_splc/edgemask/canong3_nikond70_sub_05_edgemask.jpg': halves([0, 200, 0], [255, 0, 0]),
        '4cam_auth/canong3_02_sub_01.tif': image,
        '4cam_auth/edgemask/canong3_02_sub_01_edgemask.jpg': image,
      },
      [
        '4cam_splc/canong3_nikond70_sub_05.tif + 4cam_splc/edgemask/canong3_nikond70_sub_05_edgemask.jpg | columbia columbia:canong3_nikond70_sub_05 1100',
        '4cam_auth/canong3_02_sub_01.tif + nothing | columbia columbia:canong3_02_sub_01 0000',
      ],
    ],
    imd2020: [
      {
        '1b8r7b/c94scmh_0.jpg': image,
        '1b8r7b/c94scmh_0_mask.png': mask,
        '1b8r7b/1b8r7b_orig.jpg': image,
        'z14/00030_fake.png': image,
        'z14/00030_fake_mask.png': mask,
        '0jpg/00030_fake.jpg': image,
      },
      [
        '1b8r7b/c94scmh_0.jpg + 1b8r7b/c94scmh_0_mask.png | imd2020 imd2020:1b8r7b 1100',
        'z14/00030_fake.png + z14/00030_fake_mask.png | imd2020 imd2020:z14 1100',
        '1b8r7b/1b8r7b_orig.jpg + nothing | imd2020 imd2020:1b8r7b 0000',
      ],
    ],
    comofod: [
      {
        '001_F.png': image,
        '001_F_JC1.jpg': image,
        '001_O.png': image,
        '001_B.png': mask,
        '001_M.png': image,
        '002_B.png': mask,
      },
      [
        '001_F.png + 001_B.png | comofod comofod:001 1100',
        '001_F_JC1.jpg + 001_B.png | comofod-jc1 comofod:001 1100',
        '001_O.png + nothing | comofod comofod:001 0000',
      ],
      ['no picture for the mask 002_B.png'],
    ],
    'in-the-wild': [
      { 'label_in_wild/images/2251.jpg': image, 'label_in_wild/masks/2251.png': mask },
      ['label_in_wild/images/2251.jpg + label_in_wild/masks/2251.png | in-the-wild in-the-wild:2251 1100'],
    ],
    misd: [
      {
        'Dataset/Sp/Sp_D_ani_00001_art_00003_001.png': image,
        'Dataset/Au/Au_art_00003.jpg': image,
        'Dataset/Ground Truth Masks/Sp_D_ani_00001_art_00003_001/images/Sp_D_ani_00001_art_00003_001.png': image,
        'Dataset/Ground Truth Masks/Sp_D_ani_00001_art_00003_001/masks/a.png': mask,
        'Dataset/Ground Truth Masks/Sp_D_ani_00001_art_00003_001/masks/b.png': halves(black, white),
      },
      [
        'Dataset/Sp/Sp_D_ani_00001_art_00003_001.png + Dataset/Ground Truth Masks/Sp_D_ani_00001_art_00003_001/masks/a.png + Dataset/Ground Truth Masks/Sp_D_ani_00001_art_00003_001/masks/b.png | misd misd:ani00001 1111',
        'Dataset/Au/Au_art_00003.jpg + nothing | misd misd:ani00001 0000',
      ],
    ],
    'fantastic-reality': [
      {
        'dataset/ColorFakeImages/IMG_0002593_IMG_0004604.jpg': image,
        'dataset/SegmentationFake/IMG_0002593_IMG_0004604.npz': npz([1, 2, 4], [7, 1, 0, 0, 7, 1, 0, 0]),
        'dataset/ColorRealImages/IMG_0002593.jpg': image,
      },
      [
        'dataset/ColorFakeImages/IMG_0002593_IMG_0004604.jpg + dataset/SegmentationFake/IMG_0002593_IMG_0004604.npz | fantastic-reality fantastic-reality:IMG_0002593 1100',
        'dataset/ColorRealImages/IMG_0002593.jpg + nothing | fantastic-reality fantastic-reality:IMG_0002593 0000',
      ],
    ],
    tampcoco: [
      {
        'sp_images/65_000000270836.jpg_000000198841.jpg.jpg': image,
        'sp_masks/65_000000270836.png_000000198841.png.png': halves([1, 1, 1], black),
        'bcmc_images/96_000000346795_aligned_Q62.jpg_000000346795_aligned_Q62.jpg_RT35.6_RS0.95_aligned_Q62.jpg': image,
        'bcm_masks/96_000000346795.png_000000346795.png_RT35.6_RS0.95.png': mask,
      },
      [
        'bcmc_images/96_000000346795_aligned_Q62.jpg_000000346795_aligned_Q62.jpg_RT35.6_RS0.95_aligned_Q62.jpg + bcm_masks/96_000000346795.png_000000346795.png_RT35.6_RS0.95.png | tampcoco-bcmc tampcoco:000000346795 1100',
        'sp_images/65_000000270836.jpg_000000198841.jpg.jpg + sp_masks/65_000000270836.png_000000198841.png.png | tampcoco-sp tampcoco:000000270836 1100',
      ],
    ],
    cocoglide: [
      {
        'fake/glide_inpainting_val2017_114871_up.png': image,
        'mask/dining table_114871_mask.png': mask,
        'real/dining table_114871.png': image,
      },
      [
        'fake/glide_inpainting_val2017_114871_up.png + mask/dining table_114871_mask.png | cocoglide cocoglide:114871 1100',
        'real/dining table_114871.png + nothing | cocoglide cocoglide:114871 0000',
      ],
    ],
    'realistic-tampering': [
      {
        'data-images/Canon_60D/tampered-realistic/DPP0012.TIF': image,
        'data-images/Canon_60D/ground-truth/DPP0012.PNG': halves([64, 64, 64], black),
        'data-images/Canon_60D/pristine/DPP0012.TIF': image,
        'data-images/Sony_A57/tampered-realistic/DPP0012.TIF': image,
      },
      [
        'data-images/Canon_60D/tampered-realistic/DPP0012.TIF + data-images/Canon_60D/ground-truth/DPP0012.PNG | realistic-tampering realistic-tampering:Canon_60D/DPP0012 1100',
        'data-images/Canon_60D/pristine/DPP0012.TIF + nothing | realistic-tampering realistic-tampering:Canon_60D/DPP0012 0000',
      ],
      [
        'no mask for data-images/Sony_A57/tampered-realistic/DPP0012.TIF; looked for <camera>/tampered-realistic/<…>.TIF with <camera>/ground-truth/<…>.PNG, and <camera>/pristine/<…>.TIF',
      ],
    ],
    coverage: [
      {
        'image/12.tif': image,
        'image/12t.tif': image,
        'mask/12forged.tif': mask,
        'mask/12copy.tif': image,
        'mask/12paste.tif': image,
      },
      [
        'image/12t.tif + mask/12forged.tif | coverage coverage:12 1100',
        'image/12.tif + nothing | coverage coverage:12 0000',
      ],
    ],
    nist16: [
      {
        'NC2016_Test0613/reference/manipulation/NC2016-manipulation-ref.csv':
          'TaskID|ProbeFileName|ProbeMaskFileName|BaseFileName|IsTarget\n' +
          'm|probe/NC2016_0128.jpg|reference/manipulation/mask/NC2016_3942.png|world/NC2016_3272.jpg|Y\n' +
          'm|probe/NC2016_0130.jpg|reference/manipulation/mask/NC2016_0000.png|world/NC2016_3272.jpg|Y\n' +
          'm|probe/NC2016_0098.jpg|||N\n',
        'NC2016_Test0613/probe/NC2016_0128.jpg': image,
        'NC2016_Test0613/probe/NC2016_0130.jpg': image,
        'NC2016_Test0613/probe/NC2016_0098.jpg': image,
        'NC2016_Test0613/reference/manipulation/mask/NC2016_3942.png': halves(grey, white),
      },
      [
        'NC2016_Test0613/probe/NC2016_0128.jpg + NC2016_Test0613/reference/manipulation/mask/NC2016_3942.png | nist16 nist16:probe/NC2016_0128.jpg 1100',
        'NC2016_Test0613/probe/NC2016_0098.jpg + nothing | nist16 nist16:probe/NC2016_0098.jpg 0000',
      ],
      ['no reference/manipulation/mask/NC2016_0000.png for probe/NC2016_0130.jpg'],
    ],
    'dso-1': [
      {
        'tifs-database/DSO-1/splicing-07.png': image,
        'tifs-database/DSO-1-Fake-Images-Masks/splicing-07.png': halves(black, white),
        'tifs-database/DSO-1/normal-07.png': image,
      },
      [
        'tifs-database/DSO-1/splicing-07.png + tifs-database/DSO-1-Fake-Images-Masks/splicing-07.png | dso-1 dso-1:splicing-07 1100',
        'tifs-database/DSO-1/normal-07.png + nothing | dso-1 dso-1:normal-07 0000',
      ],
    ],
  };

describe('a published data set is read as it is distributed, by name and by its own masks:', () => {
  test.each(Object.entries(fixtures))('%s', async (dataset, [files, expected, problems = []]) => {
    await writeFiles(folder, files);
    const listing = await listDataset(folder, { dataset });
    const described = listing.samples.map(async sample => {
      const masks = [sample.mask, ...(sample.moreMasks ?? [])].map(file => file?.slice(folder.length + 1) ?? 'nothing');
      const truth = await readTruth(sample, await readImage(sample.image));
      return `${sample.id} + ${masks.join(' + ')} | ${sample.set} ${sample.group} ${truth.data.slice(0, 4).join('')}`;
    });
    expect(await Promise.all(described)).toEqual(expected);
    expect(listing.problems.map(({ text }) => text)).toEqual(problems);
  });

  test('a folder of something else is refused with what was looked for', async () => {
    await writeFiles(folder, { 'a.png': image });
    await expect(readDataset(folder, { dataset: 'coverage' })).rejects.toThrow(
      `${folder}: no picture of COVERAGE; looked for image/<n>t.tif with mask/<n>forged.tif, and image/<n>.tif`,
    );
    await expect(readDataset(folder, { dataset: 'nist16' })).rejects.toThrow(
      `${folder}: no table of NIST16; looked for reference/manipulation/NC2016-manipulation-ref.csv`,
    );
    await expect(readDataset(folder, { dataset: 'casia' })).rejects.toThrow(
      `unknown data set "casia" (data sets: ${Object.keys(dataSets).join(', ')})`,
    );
    await writeFiles(folder, { 'reference/manipulation/NC2016-manipulation-ref.csv': 'TaskID|IsTarget\nm|N\n' });
    await expect(readDataset(folder, { dataset: 'nist16' })).rejects.toThrow(
      'no column ProbeFileName, ProbeMaskFileName, BaseFileName; columns are TaskID, IsTarget',
    );
  });

  test('a missing mask is refused, with the number of others', async () => {
    await writeFiles(folder, { 'image/1t.tif': image, 'image/2t.tif': image, 'image/3.tif': image });
    await expect(readDataset(folder, { dataset: 'coverage' })).rejects.toThrow(
      /no mask for image\/1t\.tif; looked for .*; and 1 more: "forgelens data check" lists them$/,
    );
  });
});

describe('a mask', () => {
  const sample = (path: string, maskRule?: object) => ({ mask: join(folder, path), ...maskRule });
  const size = { width: 4, height: 2 };

  test('of another size than its picture is refused', async () => {
    await writeFiles(folder, { 'm.png': { mask: emptyMask(3, 2) } });
    await expect(readTruth(sample('m.png'), size)).rejects.toThrow(
      `${join(folder, 'm.png')}: the mask is 3×2 but its image is 4×2; they must be equal`,
    );
  });

  test('of NumPy must be a whole archive of two axes', async () => {
    const whole = npz([2, 4], [0, 0, 0, 1, 0, 0, 0, 1]);
    await writeFiles(folder, {
      'a.npz': whole,
      'b.npz': whole.subarray(0, 60),
      'c.npz': npz([2, 2, 2], Array(8).fill(1)),
    });
    expect([...(await readTruth(sample('a.npz'), size)).data]).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
    await expect(readTruth(sample('b.npz'), size)).rejects.toThrow(
      'is no readable .npz archive, or is cut off; copy it again',
    );
    await expect(readTruth(sample('c.npz'), size)).rejects.toThrow(
      'holds an array of shape [2,2,2]; a mask must be [height, width]',
    );
    await expect(readTruth(sample('d.npz'), size)).rejects.toThrow('no such file');
  });
});
