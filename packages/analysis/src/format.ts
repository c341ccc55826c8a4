import type { Analysis } from './result.ts';

/** An analysis as JSON text for people: each point and box on one line. */
export const formatAnalysis = (analysis: Analysis): string =>
  // The line break after the bracket cannot be within a string of JSON.
  JSON.stringify(analysis, null, 2).replaceAll(
    /\[\n\s*([\d.]+(?:,\s+[\d.]+)*)\s+\]/g,
    (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, ' ')}]`,
  ) + '\n';
