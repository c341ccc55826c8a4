/** Reports of one picture. They need no charts, so they are apart from the others. */
import type { Analysis } from '@forgelens/analysis';
import { analysisPage } from './analysis-page.ts';
import { makeAnalysisViews } from './analysis-views.ts';

/**
 * The report of one picture: a page of HTML that needs nothing else.
 *
 * @param readPicture - the PNG file that the result names so
 * @param original - the bytes of the picture itself, where they are at hand
 */
export const makeAnalysisPage = async (
  analysis: Analysis,
  readPicture: (file: string) => Uint8Array | Promise<Uint8Array>,
  original: Uint8Array | null,
): Promise<string> => analysisPage(analysis, await makeAnalysisViews(analysis, readPicture, original));
