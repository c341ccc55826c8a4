import { unknownModel } from '@forgelens/localize';
import type { Models } from './context.ts';

/** The models that come with the program. */
export const models: Models = {
  default: 'none',
  cards: [],
  open: idOrPath => Promise.reject(unknownModel(idOrPath, [])),
};
