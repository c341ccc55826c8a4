/**
 * A model on a data set gives maps; maps and a protocol give a report.
 *
 * @module forgelens/evaluate
 */
export { evaluateLocalizer, hashManifest } from './evaluate-localizer.ts';
export type { EvaluateOptions, Evaluation } from './evaluate-localizer.ts';
export { mapsFormat, MapsFolder } from './maps-folder.ts';
export type { MapEntry, MapsHeader, Precision } from './maps-folder.ts';
export type { Measured } from './protocols/measure.ts';
export { protocols } from './protocols/presets.ts';
export type { ProtocolName } from './protocols/presets.ts';
export type * from './protocols/protocol.ts';
export type * from './report.ts';
export * from './score-maps.ts';
export { ownProtocol, Tally } from './tally.ts';
export type { LocatedImage } from './tally.ts';
