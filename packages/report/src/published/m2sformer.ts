import { columnsOf } from './published.ts';
import type { PublishedPaper } from './published.ts';

const totals = {
  CASIAv2: 5123,
  CASIAv1: 920,
  DIS25k: 24964,
  Columbia: 180,
  IMD2020: 2010,
  CoMoFoD: 260,
  InTheWild: 201,
  MISD: 300,
} as const;

/**
 * Nam et al., “M2SFormer: Multi-Spectral and Multi-Scale Attention with Edge-Aware Difficulty Guidance for Image Forgery
 * Localization”, ICCV 2025, https://arxiv.org/abs/2506.20922. Numbers are as published, also where two tables disagree.
 */
export const m2sformer: PublishedPaper = {
  id: 'm2sformer',
  citation: 'Nam et al., M2SFormer, ICCV 2025, https://arxiv.org/abs/2506.20922',
  method: 'M2SFormer',
  tables: {
    'trained-on-casia-v2': {
      title: 'Trained on CASIAv2: mean and standard deviation of five folds, in per cent',
      protocol: 'm2sformer',
      trainedOn: 'casia-v2',
      columns: columnsOf(
        {
          CASIAv2: 'casia-v2',
          DIS25k: 'dis25k',
          CASIAv1: 'casia-v1',
          Columbia: 'columbia',
          IMD2020: 'imd2020',
          CoMoFoD: 'comofod',
          InTheWild: 'in-the-wild',
          MISD: 'misd',
        },
        { DSC: 'DSC', mIoU: 'IoU' },
        totals,
      ),
      rows: [
        {
          method: 'UNet',
          values: [32.3, 25.8, 8.7, 5.5, 25.0, 19.5, 19.8, 12.2, 14.9, 9.7, 12.2, 7.6, 18.6, 11.9, 47.3, 34.8],
          deviations: [10.9, 9.2, 1.2, 0.8, 1.9, 1.8, 2.5, 1.7, 1.0, 0.6, 1.0, 0.7, 1.4, 1.0, 2.5, 2.2],
        },
        {
          method: 'SegNet',
          values: [8.1, 6.1, 1.1, 0.7, 5.0, 3.7, 7.0, 4.3, 6.3, 4.4, 3.5, 2.3, 5.8, 3.9, 20.4, 13.8],
          deviations: [6.6, 5.0, 0.7, 0.4, 1.4, 1.0, 3.7, 2.5, 2.4, 1.6, 2.0, 1.5, 2.8, 1.7, 5.7, 4.2],
        },
        {
          method: 'MantraNet',
          values: [18.8, 11.9, 12.7, 7.4, 19.8, 12.1, 25.0, 14.9, 14.1, 8.2, 11.2, 6.5, 18.2, 10.6, 30.7, 19.2],
          deviations: [8.0, 5.7, 0.8, 0.6, 1.0, 0.8, 1.8, 1.2, 0.5, 0.3, 0.6, 0.4, 1.1, 0.8, 3.5, 2.5],
        },
        {
          method: 'RRUNet',
          values: [21.8, 15.8, 10.8, 6.9, 26.7, 18.9, 21.3, 13.9, 14.5, 9.4, 13.7, 9.0, 18.3, 11.7, 32.8, 21.4],
          deviations: [10.4, 8.4, 2.2, 1.5, 2.4, 1.7, 7.2, 5.3, 1.9, 3.3, 2.2, 1.7, 4.2, 3.0, 3.4, 2.5],
        },
        {
          method: 'MT-SENet',
          values: [19.9, 14.6, 7.8, 4.8, 18.4, 12.8, 9.4, 5.3, 11.4, 7.2, 10.6, 6.5, 10.6, 6.5, 22.3, 14.0],
          deviations: [9.9, 7.6, 1.0, 0.7, 1.6, 1.3, 1.1, 0.6, 1.3, 1.0, 2.1, 1.5, 2.1, 1.5, 2.5, 1.8],
        },
        {
          method: 'TransForensic',
          values: [40.1, 32.0, 32.3, 24.1, 44.2, 35.0, 35.9, 25.0, 27.2, 19.1, 21.7, 14.3, 31.9, 22.4, 60.0, 46.5],
          deviations: [15.7, 13.9, 2.9, 2.5, 1.6, 1.7, 5.7, 4.6, 2.1, 1.6, 2.0, 1.5, 3.8, 3.0, 1.8, 2.1],
        },
        {
          method: 'MVSSNet',
          values: [31.2, 23.4, 24.9, 17.4, 36.6, 27.3, 33.8, 23.3, 22.8, 15.2, 17.2, 10.9, 27.0, 18.3, 53.9, 17.4],
          deviations: [13.4, 11.1, 3.6, 2.9, 1.6, 1.5, 3.7, 3.0, 2.4, 1.8, 1.2, 0.9, 3.1, 2.2, 3.6, 2.9],
        },
        {
          method: 'FBINet',
          values: [35.3, 29.2, 26.3, 20.3, 37.5, 30.8, 18.2, 11.7, 24.2, 17.5, 22.3, 15.2, 25.0, 17.8, 48.0, 35.1],
          deviations: [14.3, 12.8, 2.3, 1.9, 2.1, 1.9, 2.7, 2.1, 1.6, 1.3, 0.8, 0.5, 2.7, 2.1, 2.2, 2.0],
        },
        {
          method: 'SegNeXt',
          values: [12.8, 8.6, 9.6, 5.6, 14.8, 9.4, 12.8, 7.3, 11.2, 6.6, 8.4, 4.8, 13.9, 8.1, 21.1, 12.7],
          deviations: [4.2, 3.0, 1.1, 0.7, 2.0, 1.5, 1.4, 0.9, 1.3, 0.8, 1.1, 0.6, 2.3, 1.5, 3.0, 2.0],
        },
        {
          method: 'CFLNet',
          values: [40.4, 33.4, 25.5, 18.9, 38.0, 31.1, 16.7, 10.6, 22.7, 15.8, 20.5, 14.0, 25.0, 17.3, 61.6, 48.3],
          deviations: [15.8, 14.2, 1.7, 1.3, 0.8, 0.5, 2.8, 2.0, 1.4, 1.0, 2.0, 1.5, 2.3, 1.7, 1.5, 1.6],
        },
        {
          method: 'EITLNet',
          values: [54.0, 47.9, 30.8, 25.6, 52.9, 46.5, 28.0, 20.9, 25.3, 19.7, 18.1, 12.4, 24.3, 19.0, 58.8, 45.9],
          deviations: [14.7, 14.7, 2.8, 2.6, 1.7, 1.5, 4.6, 4.0, 2.6, 2.2, 1.8, 1.4, 3.6, 3.1, 1.8, 1.8],
        },
        {
          method: 'PIMNet',
          values: [55.8, 48.5, 37.5, 30.1, 49.7, 42.2, 32.5, 23.1, 29.6, 22.2, 24.7, 16.8, 31.2, 22.9, 61.1, 48.2],
          deviations: [15.1, 14.6, 2.4, 2.3, 0.8, 1.0, 5.2, 4.3, 2.7, 2.3, 1.6, 1.4, 2.5, 2.2, 0.9, 0.9],
        },
        {
          method: 'M2SFormer',
          values: [58.8, 50.8, 38.5, 31.3, 58.4, 50.1, 42.4, 32.4, 32.6, 24.9, 24.9, 16.8, 35.0, 27.4, 69.1, 56.9],
          deviations: [12.8, 12.8, 2.4, 2.3, 0.7, 0.6, 5.8, 5.3, 2.2, 1.9, 1.3, 1.0, 1.8, 1.6, 0.7, 0.8],
        },
      ],
    },
    'trained-on-dis25k': {
      title: 'Trained on DIS25k: mean and standard deviation of five folds, in per cent',
      protocol: 'm2sformer',
      trainedOn: 'dis25k',
      columns: columnsOf(
        {
          DIS25k: 'dis25k',
          CASIAv2: 'casia-v2',
          CASIAv1: 'casia-v1',
          Columbia: 'columbia',
          IMD2020: 'imd2020',
          CoMoFoD: 'comofod',
          InTheWild: 'in-the-wild',
          MISD: 'misd',
        },
        { DSC: 'DSC', mIoU: 'IoU' },
        totals,
      ),
      rows: [
        {
          method: 'UNet',
          values: [80.9, 74.2, 15.1, 9.7, 24.0, 15.7, 28.6, 18.5, 23.1, 15.0, 13.4, 7.9, 33.9, 22.4, 40.1, 27.0],
          deviations: [13.2, 14.1, 6.4, 4.6, 0.4, 0.3, 1.1, 0.8, 0.1, 0.1, 0.7, 0.5, 0.8, 0.5, 1.3, 1.1],
        },
        {
          method: 'SegNet',
          values: [41.7, 32.5, 6.0, 4.1, 5.6, 3.5, 2.5, 1.3, 8.3, 5.2, 9.9, 6.6, 5.2, 3.1, 13.5, 8.2],
          deviations: [8.6, 7.4, 3.1, 2.3, 0.8, 0.5, 0.5, 0.3, 0.6, 0.4, 1.2, 0.8, 0.4, 0.3, 1.0, 0.6],
        },
        {
          method: 'MantraNet',
          values: [69.6, 59.1, 12.7, 7.6, 18.1, 11.0, 26.5, 16.3, 18.6, 11.3, 11.9, 6.8, 26.2, 16.0, 31.9, 20.1],
          deviations: [12.1, 11.8, 4.7, 3.1, 0.4, 0.3, 3.1, 2.2, 0.6, 0.4, 0.6, 0.3, 1.3, 0.9, 1.1, 0.9],
        },
        {
          method: 'RRUNet',
          values: [76.8, 68.9, 13.4, 9.3, 21.4, 15.0, 29.9, 20.7, 17.8, 12.0, 9.4, 5.8, 23.7, 16.0, 32.2, 21.1],
          deviations: [11.3, 11.5, 6.6, 5.1, 0.9, 0.7, 2.0, 1.6, 0.7, 0.5, 2.1, 1.5, 1.2, 0.9, 1.6, 1.2],
        },
        {
          method: 'MT-SENet',
          values: [77.8, 70.4, 12.8, 8.2, 22.0, 14.2, 26.8, 17.2, 1.9, 12.4, 13.1, 7.7, 26.5, 16.9, 34.2, 22.3],
          deviations: [12.7, 13.4, 5.7, 4.1, 0.7, 0.5, 1.6, 1.2, 0.2, 0.2, 1.0, 0.6, 0.9, 0.6, 1.2, 0.5],
        },
        {
          method: 'TransForensic',
          values: [83.4, 76.2, 21.2, 16.4, 30.4, 23.9, 33.0, 23.4, 27.0, 19.8, 18.1, 12.1, 31.0, 22.3, 45.7, 33.2],
          deviations: [6.9, 7.6, 11.1, 9.7, 0.7, 0.5, 1.7, 1.3, 0.6, 0.5, 2.2, 1.8, 0.8, 0.7, 1.4, 1.2],
        },
        {
          method: 'MVSSNet',
          values: [70.0, 60.1, 19.8, 14.4, 30.0, 22.6, 35.7, 26.4, 24.7, 17.4, 17.5, 11.3, 30.7, 22.0, 47.7, 34.8],
          deviations: [4.3, 4.2, 10.2, 8.1, 1.3, 1.0, 4.7, 3.8, 1.3, 0.9, 1.5, 1.0, 2.9, 2.0, 2.1, 1.8],
        },
        {
          method: 'FBINet',
          values: [81.6, 74.7, 17.9, 13.8, 21.0, 15.9, 13.9, 8.7, 21.6, 15.4, 15.0, 9.9, 17.9, 12.3, 32.4, 21.4],
          deviations: [5.4, 5.8, 10.3, 8.8, 0.7, 0.6, 1.7, 1.3, 0.5, 0.5, 1.7, 1.3, 1.5, 1.2, 1.7, 1.4],
        },
        {
          method: 'SegNeXt',
          values: [72.9, 63.7, 13.4, 8.4, 23.7, 15.3, 35.5, 24.1, 21.5, 13.8, 13.6, 8.1, 32.2, 21.2, 41.5, 28.1],
          deviations: [11.0, 11.2, 5.7, 4.0, 0.3, 0.2, 1.1, 0.8, 0.2, 0.1, 1.0, 0.6, 0.5, 0.4, 0.9, 0.8],
        },
        {
          method: 'CFLNet',
          values: [79.8, 71.5, 20.2, 15.0, 29.0, 22.2, 30.0, 20.9, 26.1, 18.5, 17.9, 11.6, 29.8, 20.9, 46.0, 33.4],
          deviations: [6.7, 7.3, 10.1, 8.3, 0.6, 0.5, 3.0, 2.6, 0.4, 0.4, 0.9, 0.8, 1.1, 0.8, 1.5, 1.3],
        },
        {
          method: 'EITLNet',
          values: [90.6, 85.7, 25.4, 21.3, 36.2, 31.1, 31.6, 24.0, 30.0, 23.8, 19.9, 14.2, 29.2, 23.1, 39.0, 27.2],
          deviations: [3.9, 4.1, 13.7, 13.1, 0.3, 0.3, 2.4, 2.2, 0.4, 0.2, 2.8, 2.1, 0.8, 0.6, 0.8, 0.7],
        },
        {
          method: 'PIMNet',
          values: [88.8, 83.3, 25.4, 20.6, 34.5, 28.1, 38.6, 29.6, 29.7, 22.7, 21.6, 14.9, 33.4, 25.0, 42.5, 30.2],
          deviations: [4.7, 5.0, 12.2, 11.0, 1.2, 0.9, 5.4, 4.7, 0.9, 0.8, 0.2, 0.5, 2.4, 1.9, 2.1, 1.8],
        },
        {
          method: 'M2SFormer',
          values: [87.7, 81.5, 26.7, 22.3, 40.1, 34.5, 37.3, 28.8, 31.9, 25.2, 31.9, 25.2, 31.7, 24.4, 43.2, 30.7],
          deviations: [3.2, 3.2, 14.3, 13.6, 1.3, 1.1, 2.5, 2.0, 0.8, 0.6, 0.6, 0.4, 1.1, 0.9, 1.6, 1.5],
        },
      ],
    },
    cost: {
      title: 'Parameters in millions and multiply-adds in billions, at 256×256',
      protocol: null,
      trainedOn: null,
      columns: [{ name: 'Parameters (M)' }, { name: 'Multiply-adds (G)' }],
      rows: [
        { method: 'UNet', values: [29.9, 104.3] },
        { method: 'SegNet', values: [15.7, 44.3] },
        { method: 'MantraNet', values: [3.63, 135.7] },
        { method: 'RRUNet', values: [5.1, 45.1] },
        { method: 'MT-SENet', values: [10.1, 34.2] },
        { method: 'TransForensic', values: [27.6, 22.4] },
        { method: 'MVSSNet', values: [136.2, 31.6] },
        { method: 'FBINet', values: [104.4, 86.5] },
        { method: 'SegNeXt', values: [28.4, 19.1] },
        { method: 'CFLNet', values: [49.2, 52.2] },
        { method: 'EITLNet', values: [50.1, 35.0] },
        { method: 'PIMNet', values: [73.3, 17.9] },
        { method: 'M2SFormer', values: [27.4, 14.2] },
      ],
    },
    ablations: {
      title: 'Ablations, trained on CASIAv2: “seen” is CASIAv2, “unseen” the mean of the other data sets, in per cent',
      protocol: 'm2sformer',
      trainedOn: 'casia-v2',
      columns: [
        { name: 'seen DSC' },
        { name: 'seen mIoU' },
        { name: 'unseen DSC' },
        { name: 'unseen mIoU' },
        { name: 'Parameters (M)' },
        { name: 'Multiply-adds (G)' },
      ],
      rows: [
        { method: 'attention: S0 single spectrum, single scale', values: [56.3, 49.1, 27.1, 24.2, 26.2, 13.8] },
        { method: 'attention: S1 single spectrum, multi scale', values: [55.5, 48.6, 33.6, 28.1, 27.4, 14.2] },
        { method: 'attention: S2 multi spectrum, single scale', values: [55.9, 49.0, 36.1, 31.3, 26.2, 13.8] },
        { method: 'attention: S3 multi spectrum, multi scale', values: [58.8, 50.8, 43.0, 34.3, 27.4, 14.2] },
        { method: 'decoder: no DGA', values: [55.5, 49.5, 32.3, 26.1, 26.9, 13.0] },
        { method: 'decoder: simple difficulty + DGA', values: [56.1, 50.2, 30.8, 24.8, 27.4, 14.0] },
        { method: 'decoder: edge-aware difficulty + DGA', values: [58.8, 50.8, 43.0, 34.3, 27.4, 14.2] },
        { method: 'encoder: ResNet50', values: [40.3, 32.7, 35.6, 26.3, 25.7, 14.9] },
        { method: 'encoder: Res2Net50', values: [49.9, 42.1, 38.1, 29.1, 25.9, 15.9] },
        { method: 'encoder: ResNeSt50', values: [51.1, 43.2, 38.5, 29.5, 27.6, 18.0] },
        { method: 'encoder: MiT-B2', values: [56.5, 48.7, 41.2, 32.6, 26.2, 12.3] },
        { method: 'encoder: P2T-Small', values: [55.8, 48.1, 40.6, 32.1, 25.6, 13.5] },
        { method: 'encoder: PVT-v2-B2', values: [57.8, 50.8, 43.0, 34.3, 27.4, 14.2] },
      ],
    },
  },
};
