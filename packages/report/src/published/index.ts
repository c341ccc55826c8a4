import { cdfl } from './cdfl.ts';
import { m2sformer } from './m2sformer.ts';
import type { PublishedPaper } from './published.ts';
import { sdpal } from './sdpal.ts';

/** The papers whose tables can be printed. */
export const publishedPapers: Readonly<Record<string, PublishedPaper>> = { cdfl, sdpal, m2sformer };
