/**
 * One image in; tampering map, score and regions out.
 *
 * @module forgelens/localize
 */
export * from './export-model.ts';
export * from './localizer.ts';
export * from './model.ts';
export * from './network-localizer.ts';
export * from './open-localizer.ts';
export * from './regions.ts';
export * from './score.ts';
export * from './software.ts';
export * from './tiles.ts';
