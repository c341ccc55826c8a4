import type { ImageMeasure, PixelMeasure, Protocol, Threshold } from './protocol.ts';

const above = (value: number): Threshold => ({ value, comparison: '>' });
const atLeast = (value: number): Threshold => ({ value, comparison: '>=' });

/** The mean over images of a metric. */
const perImage = (
  name: string,
  of: PixelMeasure['of'],
  empty: PixelMeasure['empty'],
  rest: Partial<PixelMeasure> = {},
): PixelMeasure => ({ name, level: 'pixels', of, taken: 'per image', empty, ...rest });

/** A metric of the pixels of all images together. */
const pooled = (
  name: string,
  of: PixelMeasure['of'],
  empty: PixelMeasure['empty'],
  rest: Partial<PixelMeasure> = {},
): PixelMeasure => ({ ...perImage(name, of, empty, rest), taken: 'pooled' });

const ofImages = (name: string, of: ImageMeasure['of'], score: ImageMeasure['score']): ImageMeasure => ({
  name,
  level: 'images',
  of,
  score,
});

const native = { size: 'image', border: null } as const;

/** Ours: see docs/protocols.md, rule by rule. */
const forgelens: Protocol = {
  name: 'forgelens',
  version: 1,
  title: 'forgelens: mean of the tampered images at the fixed threshold 0.5; authentic images apart',
  source: 'docs/protocols.md',
  ...native,
  truth: above(127.5),
  threshold: above(0.5),
  images: 'tampered',
  measures: [
    perImage('F1', 'f1', 'undefined'),
    pooled('pooled F1', 'f1', 'undefined'),
    perImage('IoU', 'iou', 'undefined'),
    pooled('pooled IoU', 'iou', 'undefined'),
    perImage('precision', 'precision', 'undefined'),
    perImage('recall', 'recall', 'undefined'),
    perImage('MCC', 'mcc', 'undefined'),
    perImage('AUC', 'auc', 'undefined'),
    pooled('pooled AUC', 'auc', 'undefined'),
    perImage('AP', 'averagePrecision', 'undefined'),
    pooled('pooled AP', 'averagePrecision', 'undefined'),
    perImage('F1, best threshold of the set (tuned)', 'f1', 'undefined', { at: 'best of the set' }),
    perImage('F1, best threshold of each image (oracle)', 'f1', 'undefined', { at: 'best of each image' }),
    perImage('F1, better of prediction and inverse (oracle)', 'f1', 'undefined', { inverse: true }),
    perImage('false-alarm area', 'falseAlarmArea', 'undefined', { images: 'authentic' }),
    pooled('specificity', 'specificity', 'undefined', { images: 'authentic' }),
    ofImages('image AUC', 'auc', 'model'),
    ofImages('image AP', 'averagePrecision', 'model'),
    ofImages('image sensitivity at 5 % false alarms', 'sensitivity at 5 % false alarms', 'model'),
  ],
  quirks: [],
  differences: [],
};

/** CDFL and SDPAL share one validation loop. */
const pooledAt256 = (name: string, title: string, source: string): Protocol => ({
  name,
  version: 1,
  title,
  source,
  truth: above(128),
  size: { width: 256, height: 256 },
  threshold: above(0.5),
  border: null,
  images: 'all',
  measures: [
    pooled('F1', 'f1', 1),
    pooled('IoU', 'iou', 0),
    pooled('precision', 'precision', 1),
    pooled('recall', 'recall', 1),
    pooled('AUC', 'auc', 0.5),
  ],
  quirks: [
    'One confusion matrix of all pixels of the list: images with large forgeries outweigh the others.',
    'Authentic images count: they add false alarms and nothing to be found.',
    'The truth is resized as a grey picture, then cut at > 128: a level of exactly 128 is authentic.',
    'Precision, recall and F1 are 1 where nothing is tampered and nothing is predicted; IoU is 0 there.',
    'AUC is 0.5 where all pixels of the list are one class.',
    'The published checkpoint was chosen by this F1 on the very list that is reported.',
  ],
  differences: [
    'The original scores the network’s own 256×256 map; here the map of the image’s size is resized to it.',
    'AUC is pooled in bins, within the error bound that is stated.',
  ],
});

/** M2SFormer. */
const m2sformer: Protocol = {
  name: 'm2sformer',
  version: 1,
  title: 'M2SFormer: mean of the images at 256×256, smoothed Dice and IoU',
  source: 'https://github.com/Inha-CVAI/M2SFormer_ICCV2025, utils/calculate_metrics.py',
  truth: { ...above(127.5), isStretched: true },
  size: { width: 256, height: 256 },
  threshold: atLeast(0.5),
  border: null,
  images: 'all',
  measures: [
    perImage('DSC', 'f1', 1, { smoothing: 1e-5 }),
    perImage('IoU', 'iou', 1, { smoothing: 1e-5 }),
    perImage('Precision', 'precision', 0),
    perImage('Recall', 'recall', 0),
    perImage('Accuracy', 'accuracy', 'undefined'),
    perImage('AUC', 'balancedAccuracy', 'undefined'),
  ],
  quirks: [
    'A pixel at exactly 0.5 is predicted tampered (>=).',
    '1e-5 is added to numerator and denominator: an image without tampering scores 1 where nothing is marked, and almost 0 where one pixel is.',
    'AUC is that of the prediction of 0 and 1, which is balanced accuracy.',
    '“mIoU” is the mean over images of the IoU of the tampered class alone.',
    'The truth is stretched to its own maximum before it is cut at one half.',
    'The original rounds means to four decimals.',
  ],
  differences: [
    'The original scores the network’s own 256×256 map; here the map of the image’s size is resized to it.',
    'The original stops at an image whose truth is all one class, which has no AUC; here it is left out and counted.',
  ],
};

/** MPC. */
const mpc: Protocol = {
  name: 'mpc',
  version: 1,
  title: 'MPC: mean of the images at their own size, cut at 127 of 255',
  source: 'https://github.com/multimediaFor/MPC, CATNet_dataset_train/stage2/test.py',
  ...native,
  truth: above(127),
  threshold: above(127 / 255),
  images: 'all',
  measures: [perImage('F1', 'f1', 0), perImage('IoU', 'iou', 1)],
  quirks: [
    'The map times 255 is cut at > 127, not at 127.5: the threshold is 0.498, although the map is not rounded to 8 bits.',
    'Where neither truth nor prediction has a tampered pixel, F1 is 0 and IoU is 1.',
    'The original adds 1e-6 to the union, which changes less than a millionth.',
    'Its lists hold tampered images only; an authentic image would count as an F1 of 0.',
  ],
  differences: ['The original takes the first channel of a mask; here it is the mean of the three.'],
};

/** IMDL-BenCo. */
const imdlbenco: Protocol = {
  name: 'imdlbenco',
  version: 1,
  title: 'IMDL-BenCo: mean of the images at > 0.5',
  source: 'https://github.com/scu-zjz/IMDLBenCo, IMDLBenCo/evaluation',
  ...native,
  truth: above(127.5),
  threshold: above(0.5),
  images: 'all',
  measures: [
    perImage('F1', 'f1', 0),
    perImage('IoU', 'iou', 0),
    perImage('AUC', 'auc', 0, { isUndefinedWithoutAuthentic: true }),
    perImage('F1 (double)', 'f1', 0, { inverse: true }),
    perImage('IoU (double)', 'iou', 0, { inverse: true }),
    ofImages('image-level F1', 'f1', 'model'),
    ofImages('image-level AUC', 'auc', 'model'),
  ],
  quirks: [
    'An authentic image counts as 0 in F1, IoU and AUC: a perfect detector scores 0.5 on a list of which half is authentic. Its published tables are of tampered images only.',
    '“double” (permuted) takes the better of the prediction and its inverse for each image, and knows the truth to choose.',
    'The original adds 1e-8 to denominators, which changes less than a millionth.',
  ],
  differences: [
    'The original breaks ties of AUC in the order of its sort; here a tie counts half.',
    'An image that is wholly tampered makes the original’s mean AUC NaN; here it is left out and counted.',
    'The original pads and masks the padding, or resizes the truth to a square for networks that need one; here every image is scored at its own size.',
  ],
};

const band = { erodeSize: 15, dilateSize: 11 } as const;

/** TruFor. */
const trufor: Protocol = {
  name: 'trufor',
  version: 1,
  title: 'TruFor: mean of the tampered images, the better of prediction and inverse, without a border band',
  source: 'https://github.com/grip-unina/TruFor, test_docker/metrics.py',
  size: 'image',
  truth: above(0),
  threshold: above(0.5),
  border: band,
  images: 'tampered',
  measures: [
    perImage('F1_best', 'f1', 0, { at: 'best of each image', inverse: true }),
    perImage('F1_th', 'f1', 0, { inverse: true, isUndefinedWhereOneClass: true }),
    ofImages('AUC (detection)', 'auc', 'model'),
    ofImages('bACC (detection)', 'balancedAccuracy', 'model'),
  ],
  quirks: [
    'Both F1 take the inverted prediction where that is better: an oracle, also at the fixed threshold.',
    'F1_best takes the best threshold of each image: an oracle twice, with the floor of marking everything.',
    'Pixels within 7 px inside and 5 px outside the border of the truth are not scored (squares of 15 and 11 px).',
    'A forgery that is thinner than 15 px is not scored at all: F1_best is 0, and F1_th is 0, or left out where nothing is predicted.',
    'Any level above 0 is tampered; the polarity is the data set’s.',
  ],
  differences: [],
};

/** SAFIRE. */
const safire: Protocol = {
  ...trufor,
  name: 'safire',
  title: 'SAFIRE: as TruFor, with AUC and AP of each image without the border band',
  source: 'https://github.com/mjkwon2021/SAFIRE, test_binary.py and ForensicsEval/metric/metrics_functions.py',
  measures: [
    perImage('F1_best', 'f1', 0, { at: 'best of each image', inverse: true }),
    perImage('F1_fixed', 'f1', 0, { inverse: true, isUndefinedWhereOneClass: true }),
    perImage('AUC', 'auc', 'undefined', { withBorder: true }),
    perImage('AP', 'averagePrecision', 'undefined', { withBorder: true }),
    perImage('mcc', 'mcc', 0, { inverse: true, isUndefinedWhereOneClass: true }),
    perImage('st_F1_fixed', 'f1', 0, { inverse: true, at: atLeast(0.5), withBorder: true }),
    perImage('st_Acc', 'accuracy', 'undefined', { inverse: true, at: atLeast(0.5), withBorder: true }),
  ],
  quirks: [
    ...trufor.quirks,
    'The coefficient of Matthews is taken without its sign, which is the better of prediction and inverse.',
    'st_F1_fixed and st_Acc score every pixel and predict at >= 0.5; F1_fixed leaves the band out and predicts at > 0.5.',
  ],
  differences: [
    'Each of its data sets cuts its masks at a level of its own, such as 120 for COVERAGE; here it is any level above 0.',
    'One undefined image makes the original’s mean NaN; here it is left out and counted.',
  ],
};

/** photoholmes. */
const photoholmes: Protocol = {
  name: 'photoholmes',
  version: 1,
  title: 'photoholmes: pooled pixels of all images at > 0.5, and soft counts',
  source: 'https://github.com/photoholmes/photoholmes, src/photoholmes/metrics, with torchmetrics',
  ...native,
  truth: above(0),
  threshold: above(0.5),
  images: 'all',
  measures: [
    pooled('F1', 'f1', 0),
    pooled('IoU', 'iou', 0),
    pooled('MCC', 'mcc', 0),
    pooled('Precision', 'precision', 0),
    pooled('TPR', 'recall', 0),
    pooled('FPR', 'falsePositiveRate', 0),
    pooled('AUROC', 'auc', 0),
    perImage('mAUROC', 'auc', 0),
    perImage('F1_weighted_v1', 'f1', 0, { at: 'soft' }),
    pooled('F1_weighted_v2', 'f1', 0, { at: 'soft' }),
    perImage('IoU_weighted_v1', 'iou', 0, { at: 'soft' }),
    pooled('IoU_weighted_v2', 'iou', 0, { at: 'soft' }),
    perImage('MCC_weighted_v1', 'mcc', 0, { at: 'soft' }),
    pooled('MCC_weighted_v2', 'mcc', 0, { at: 'soft' }),
  ],
  quirks: [
    'F1, IoU and MCC are pooled: torchmetrics’ default. “m” and “v1” name means of the images.',
    'An image of one class counts as a mAUROC of 0.',
    'Weighted metrics count each pixel by its probability (Bammey et al. 2021, https://arxiv.org/abs/2105.02700) and have no threshold.',
    'Its option tampered_only leaves the authentic images out; the default counts them.',
    'Any level above 0 is tampered.',
  ],
  differences: [
    'torchmetrics puts a sigmoid on a map that has a value outside [0, 1]; maps here have none.',
    'AUROC is pooled in bins, within the error bound that is stated.',
    'The MCC of pixels that are all one class is 0; torchmetrics takes the limit of a small epsilon.',
  ],
};

/** Every protocol, ours first. */
export const protocols = {
  forgelens,
  cdfl: pooledAt256('cdfl', 'CDFL: pooled pixels of all images at 256×256', 'the official main.py, validate()'),
  sdpal: pooledAt256(
    'sdpal',
    'SDPAL: pooled pixels of all images at 256×256',
    'https://github.com/GCLion/SDPAL, main.py, validate()',
  ),
  m2sformer,
  mpc,
  imdlbenco,
  trufor,
  safire,
  photoholmes,
} as const satisfies Readonly<Record<string, Protocol>>;

export type ProtocolName = keyof typeof protocols;
