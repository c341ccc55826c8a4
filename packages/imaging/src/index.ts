/**
 * Pixels: decode, encode, resize, overlay, degradations.
 *
 * @module forgelens/imaging
 */
export * from './codec.ts';
export * from './degrade.ts';
export * from './files.ts';
export * from './pixels.ts';
