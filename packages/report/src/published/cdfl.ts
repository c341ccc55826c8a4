import { columnsOf } from './published.ts';
import type { PublishedPaper } from './published.ts';

/**
 * “Cross-Dimensional Forgery Pattern Extraction for Generalizable Forgery Localization Framework”,
 * https://github.com/GCLion/CDFL. Numbers are as published; those of SAM and SAFIRE are others in the paper of SDPAL.
 */
export const cdfl: PublishedPaper = {
  id: 'cdfl',
  citation:
    'CDFL: Cross-Dimensional Forgery Pattern Extraction for Generalizable Forgery Localization Framework, https://github.com/GCLion/CDFL',
  method: 'CDFL',
  tables: {
    'intra-domain': {
      title: 'Tested on the data sets that were trained on, in per cent',
      protocol: 'cdfl',
      trainedOn: null,
      columns: columnsOf(
        { FantasticReality: 'fantastic-reality', IMD2020: 'imd2020', CASIAv2: 'casia-v2', TampCOCO: 'tampcoco' },
        { AUC: 'AUC', F1: 'F1' },
      ),
      rows: [
        { method: 'ManTra-Net', values: [89.65, 66.48, 88.43, 52.79, 80.29, 63.38, 75.87, 45.2] },
        { method: 'SPAN', values: [90.66, 72.91, 89.39, 58.75, 84.82, 65.43, 81.03, 53.68] },
        { method: 'AdaCFA', values: [91.13, 78.37, 89.67, 68.51, 89.85, 70.04, 80.81, 62.25] },
        { method: 'CAT-Net v2', values: [93.2, 77.15, 92.48, 70.04, 89.47, 67.76, 82.01, 63.89] },
        { method: 'IF-OSN', values: [92.38, 83.91, 94.24, 77.12, 90.54, 76.98, 83.55, 58.12] },
        { method: 'MVSS-Net', values: [90.81, 82.21, 93.82, 78.65, 91.23, 73.32, 83.8, 63.3] },
        { method: 'PSCC-Net', values: [94.52, 85.15, 94.5, 80.78, 89.73, 74.35, 82.84, 64.62] },
        { method: 'TruFor', values: [93.2, 83.27, 90.58, 78.16, 93.65, 76.99, 83.53, 63.89] },
        { method: 'NCL', values: [95.41, 87.29, 95.22, 84.98, 91.34, 79.37, 85.73, 60.23] },
        { method: 'SAM', values: [96.61, 89.93, 94.19, 84.34, 90.86, 77.53, 86.5, 63.14] },
        { method: 'AdaIFL', values: [95.13, 86.07, 93.35, 83.84, 91.83, 76.43, 89.9, 63.67] },
        { method: 'SAFIRE', values: [97.63, 91.24, 94.78, 85.31, 92.5, 79.89, 86.67, 65.03] },
        { method: 'CDFL', values: [99.56, 95.24, 98.62, 93.19, 97.1, 82.89, 90.64, 71.03] },
      ],
    },
    'cross-domain': {
      title: 'Tested on data sets that were not trained on, in per cent',
      protocol: 'cdfl',
      trainedOn: null,
      columns: columnsOf(
        { CocoGlide: 'cocoglide', RealisticTampering: 'realistic-tampering', COVERAGE: 'coverage' },
        { AUC: 'AUC', F1: 'F1' },
      ),
      rows: [
        { method: 'ManTra-Net', values: [72.15, 52.43, 55.86, 20.55, 71.33, 30.36] },
        { method: 'SPAN', values: [52.36, 27.95, 48.21, 6.77, 54.1, 15.45] },
        { method: 'AdaCFA', values: [53.67, 29.43, 57.99, 24.38, 55.18, 16.62] },
        { method: 'CAT-Net v2', values: [64.81, 42.62, 51.31, 12.35, 63.99, 36.32] },
        { method: 'IF-OSN', values: [63.21, 43.18, 63.6, 34.48, 64.3, 27.64] },
        { method: 'MVSS-Net', values: [66.65, 47.95, 54.73, 18.51, 67.18, 51.77] },
        { method: 'PSCC-Net', values: [70.24, 52.31, 50.96, 11.73, 71.28, 45.53] },
        { method: 'TruFor', values: [68.47, 51.49, 66.82, 30.27, 70.72, 56.68] },
        { method: 'NCL', values: [62.09, 36.1, 51.4, 12.52, 60.68, 20.46] },
        { method: 'SAM', values: [57.88, 31.02, 49.51, 9.01, 56.13, 15.08] },
        { method: 'AdaIFL', values: [71.04, 48.37, 53.1, 19.43, 63.85, 53.16] },
        { method: 'SAFIRE', values: [75.01, 55.62, 68.49, 32.37, 78.48, 57.41] },
        { method: 'CDFL', values: [78.36, 58.53, 70.53, 38.29, 77.59, 55.16] },
      ],
    },
  },
};
