import { defaultModel, modelCards, openLocalizer, openModel } from '@forgelens/localize';
import { networks } from '@forgelens/models';
import type { Models } from './context.ts';

/** The models that come with the program. */
export const models: Models = {
  default: defaultModel,
  networks,
  cards: modelCards,
  open: openLocalizer,
  load: openModel,
};
