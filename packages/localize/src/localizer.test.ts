import { expect, test } from 'vitest';
import { unknownModel } from './localizer.ts';

test('an unknown model is refused with the one that was probably meant', () => {
  expect(unknownModel('unett', ['m2sformer', 'unet'])).toMatchInlineSnapshot(
    `[UsageError: unknown model "unett"; did you mean "unet"? (models: m2sformer, unet)]`,
  );
});

test('a model that is like none is refused with the list', () => {
  expect(unknownModel('runs/best.safetensors', ['m2sformer', 'unet'])).toMatchInlineSnapshot(
    `[UsageError: unknown model "runs/best.safetensors" and no such file (models: m2sformer, unet)]`,
  );
});
