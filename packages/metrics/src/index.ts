/**
 * Counts per image, and what follows from them: F1, IoU, Dice, MCC, AUC, AP; protocols as data.
 *
 * @module forgelens/metrics
 */
export * from './bootstrap.ts';
export * from './border-band.ts';
export * from './counts.ts';
export * from './detection.ts';
export * from './mean.ts';
export * from './ranking.ts';
export * from './score-histogram.ts';
export * from './summary.ts';
