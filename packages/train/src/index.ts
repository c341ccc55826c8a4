/**
 * The training step as one graph, the loop, checkpoints, run records.
 *
 * @module forgelens/train
 */
export * from './config.ts';
export * from './data.ts';
export { train, type TrainOptions, type TrainResult } from './loop.ts';
export * from './prepare.ts';
export * from './run-folder.ts';
export * from './step.ts';
export { readViews, type StoredView } from './views.ts';
export { makeFolder, writeAtomically } from './write-file.ts';
