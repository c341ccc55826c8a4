import { countParameters } from '@forgelens/nn';
import { expect, test } from 'vitest';
import { PvtV2, pvtV2 } from './pvt-v2.ts';

// Millions, as published with the code: with the classifier of ImageNet's 1000 classes, which is left out here.
test.each([
  ['b0', 3.7],
  ['b1', 14.0],
  ['b2', 25.4],
  ['b3', 45.2],
  ['b4', 62.6],
  ['b5', 82.0],
] as const)('PVT-v2 %s has the published %f million parameters', (size, millions) => {
  const classifier = pvtV2[size].widths[3] * 1000 + 1000;
  expect(Math.round((countParameters(new PvtV2(pvtV2[size])) + classifier) / 1e5) / 10).toBe(millions);
});

test('PVT-v2 b2 has the parameters of the official encoder to the last one', () => {
  expect(countParameters(new PvtV2(pvtV2.b2))).toBe(24_849_856);
});
