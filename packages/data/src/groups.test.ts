import fc from 'fast-check';
import { expect, test } from 'vitest';

import { connectedGroups, sourceNames, splitByGroup } from './groups.ts';

test.each([
  ['casia1_tp', 'Sp_D_NRN_A_cha0023_sec0024_0289.jpg', ['casia:cha0023', 'casia:sec0024']],
  ['casia1_au', 'Au_ani_0007.jpg', ['casia:ani0007']],
  ['casia2', 'Tp_D_NRN_S_N_ani10171_ani00001_12458.jpg', ['casia:ani10171', 'casia:ani00001']],
  ['imd2020_tp', '00031_fake.jpg', ['imd2020:00031']],
  ['imd2020_au', '00031_orig.jpg', ['imd2020:00031']],
  ['cvip_tp', 'im10_t.png', ['cvip:im10']],
  ['davis', 'blackswan_00024.jpg', ['davis:blackswan']],
  ['mine', 'holiday.png', ['mine:holiday']],
])('sourceNames of %s %s', (set, file, names) => {
  expect(sourceNames(set, file)).toEqual(names);
});

test('connectedGroups joins what shares a name directly or through others', () => {
  expect(connectedGroups([['d', 'c'], ['a'], ['c', 'b'], ['e'], ['b']])).toEqual(['b', 'a', 'b', 'e', 'b']);
});

test('splitByGroup never parts a group, loses nothing, and keeps to its fraction', () => {
  const samples = fc.array(
    fc.integer({ min: 0, max: 12 }).map(n => ({ group: `g${n}` })),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(9), (items, fraction, seed) => {
      const { train, validation } = splitByGroup(items, { fraction, seed });
      const apart = new Set(validation.map(({ group }) => group));
      expect(train.some(({ group }) => apart.has(group))).toBe(false);
      expect(train.length + validation.length).toBe(items.length);
      expect(validation.length).toBeLessThanOrEqual(fraction * items.length);
      expect(splitByGroup(items, { fraction, seed })).toEqual({ train, validation });
    }),
  );
});
