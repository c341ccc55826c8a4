import { casiaV1, casiaV2 } from './casia.ts';
import { cocoGlide, tampCoco } from './coco.ts';
import { comofod, coverage } from './copy-move.ts';
import type { DataSet } from './layout.ts';
import { nist16 } from './nist16.ts';
import { imd2020, realisticTampering } from './realistic.ts';
import { columbia, dis25k, dso1, fantasticReality, inTheWild, misd } from './splicing.ts';

/** The published data sets that can be read as they are distributed. docs/data-sets.md describes them. */
export const dataSets = {
  'casia-v1': casiaV1,
  'casia-v2': casiaV2,
  dis25k,
  columbia,
  imd2020,
  comofod,
  'in-the-wild': inTheWild,
  misd,
  'fantastic-reality': fantasticReality,
  tampcoco: tampCoco,
  cocoglide: cocoGlide,
  'realistic-tampering': realisticTampering,
  coverage,
  nist16,
  'dso-1': dso1,
} satisfies Record<string, DataSet>;

export type DataSetName = keyof typeof dataSets;
