/**
 * Results in; HTML, CSV and curves out; comparison, robustness and published tables as data.
 *
 * @module forgelens/report
 */
export { evaluationCsv, evaluationPage } from './evaluation-page.ts';
export type { EvaluationContext } from './evaluation-page.ts';
export { chooseExhibits, makeExhibits } from './exhibits.ts';
export type { Exhibit, Exhibits, View } from './exhibits.ts';
export { compareReports, parseReport } from './comparison.ts';
export type { ComparedModel, Comparison, NamedReport } from './comparison.ts';
export { comparisonCsv, comparisonPage, verdict } from './comparison-page.ts';
export { measureNames, measures } from './measures.ts';
export type { Estimate, Estimates, MeasureName, ScoredImage } from './measures.ts';
export { sumUpRobustness, untouched } from './robustness.ts';
export type * from './robustness.ts';
export { robustnessCsv, robustnessPage } from './robustness-page.ts';
export { trainingPage } from './training-page.ts';
export type { TrainingRecord } from './training-page.ts';
export { publishedPapers } from './published/index.ts';
export type * from './published/published.ts';
export { marks, reproduce } from './reproduction.ts';
export type { Declared, Mark, OwnRow, OwnValue, Reproduction } from './reproduction.ts';
