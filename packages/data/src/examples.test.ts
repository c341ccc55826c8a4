import { expect, test } from 'vitest';

import { sampleWeights } from './examples.ts';
import type { Sample } from './sample.ts';

test('sets come as often as their weights say, whatever their sizes', () => {
  const sample = (set: string, id: number): Sample => ({
    ...{ id: String(id), set, split: null, image: `/${id}.png`, mask: null, label: 0, group: String(id) },
  });
  const samples = ['large', 'large', 'small', 'large', 'large'].map(sample);
  expect(sampleWeights(samples, { large: 1, small: 3, other: 9 })).toEqual([0.25, 0.25, 3, 0.25, 0.25]);
});
