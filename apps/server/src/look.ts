import type { Limits } from '@forgelens/analysis';
import { formatAnalysis } from '@forgelens/analysis';
import { analyzePicture } from '@forgelens/analysis/node';
import { DataError } from '@forgelens/autograd';
import type { Localizer } from '@forgelens/localize';
import { makeAnalysisPage } from '@forgelens/report/analysis';
import { files } from './links.ts';
import type { Job } from './queue.ts';
import type { WorkerEvent } from './worker.ts';

/** Looks at one picture, and tells of it until it is done or has failed. */
export async function lookAt(
  { bytes, name, threshold, evidence }: Job,
  localizer: Localizer,
  limits: Limits,
  tell: (event: WorkerEvent) => void,
): Promise<void> {
  try {
    const { analysis, pictures } = await analyzePicture(bytes, name, localizer, {
      ...{ threshold, evidence, nameFile: files.map, limits },
      onProgress: progress => tell({ kind: 'progress', progress }),
    });
    const maps = Object.fromEntries(Object.entries(pictures).map(([key, png]) => [files.map(key), png]));
    const report = await makeAnalysisPage(analysis, file => maps[file]!, bytes);
    const encode = (text: string) => new TextEncoder().encode(text);
    tell({
      kind: 'done',
      files: { [files.result]: encode(formatAnalysis(analysis)), [files.report]: encode(report), ...maps },
    });
  } catch (error) {
    const isPicture = error instanceof DataError;
    const { message, stack = message } = error as Error;
    tell({ kind: 'failed', isPicture, message: isPicture ? message : stack });
  }
}
