/**
 * The bytes of a picture in; the versioned result and its pictures out.
 *
 * @module forgelens/analysis
 */
export * from './analyze.ts';
export * from './finding.ts';
export * from './format.ts';
export * from './result.ts';
