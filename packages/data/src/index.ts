/**
 * Samples of image, mask and label: readers of data sets, checks, augmentation, synthetic forgeries, batches.
 *
 * @module forgelens/data
 */
export { BatchStream } from './batch-stream.ts';
export { batchMaker } from './batch.ts';
export type { Batch, BatchConfig } from './batch.ts';
export * from './check/check.ts';
export { contactSheet } from './check/contact-sheet.ts';
export { findingKinds } from './check/finding.ts';
export type { Finding, FindingKind } from './check/finding.ts';
export { repair } from './check/repair.ts';
export { augment, squeezed } from './augment.ts';
export type { Example, Fit } from './augment.ts';
export { sampleWeights } from './examples.ts';
export type { ExampleSources, Mix } from './examples.ts';
export { groupBy } from './group-by.ts';
export * from './groups.ts';
export { Pictures } from './pictures.ts';
export { dataSets } from './readers/data-sets.ts';
export type { DataSetName } from './readers/data-sets.ts';
export { readMaterial } from './readers/index-file.ts';
export type { Filter } from './readers/index-file.ts';
export type { DataSet } from './readers/layout.ts';
export { samplesOf } from './readers/listing.ts';
export type { Listing, Problem } from './readers/listing.ts';
export { writeManifest } from './readers/manifest.ts';
export * from './readers/read-dataset.ts';
export type * from './sample.ts';
export { drawRecipe, kindWeights } from './synthesis/draw-recipe.ts';
export { forgeryName, readForgerySet, writeForgerySet } from './synthesis/forgery-set.ts';
export type { ForgerySetOptions, ForgerySetResult, MadeForgery } from './synthesis/forgery-set.ts';
export { composeForgery, makeForgery } from './synthesis/make-forgery.ts';
export type { Composition, Forgery } from './synthesis/make-forgery.ts';
export { maskPicture, mosaic } from './synthesis/mosaic.ts';
export { Photographs } from './synthesis/photographs.ts';
export { forgeryKinds, parseRecipe, photographsOf, pictureKind, Recipe } from './synthesis/recipe.ts';
export type { ForgeryKind, PictureKind } from './synthesis/recipe.ts';
export * from './truth.ts';
