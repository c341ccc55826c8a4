import { defaultModel, modelCards, openLocalizer } from '@forgelens/localize';
import type { Models } from './context.ts';

/** The models that come with the program. */
export const models: Models = { default: defaultModel, cards: modelCards, open: openLocalizer };
