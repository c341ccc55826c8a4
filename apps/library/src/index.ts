/**
 * What most programs need of forgelens: a picture in; its tampering map, score, regions and evidence out. Everything
 * else is in the rooms: `forgelens/models`, `forgelens/train`, `forgelens/metrics`, …
 *
 * @module forgelens
 */
export { formatAnalysis, readAnalysis } from '@forgelens/analysis';
export type { Analysis, Analyzed, AnalyzeOptions } from '@forgelens/analysis';
export { analyzePicture } from '@forgelens/analysis/node';
export { readImage } from '@forgelens/imaging';
export type { Image } from '@forgelens/imaging';
export { findRegions, openLocalizer, openModel } from '@forgelens/localize';
export type { Localization, Localizer, Region } from '@forgelens/localize';
export { makeAnalysisPage } from '@forgelens/report/analysis';
