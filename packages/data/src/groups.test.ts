import { Random } from '@forgelens/autograd';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { connectedGroups, foldsByGroup, sourceNames, splitByGroup } from './groups.ts';

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

describe('foldsByGroup', () => {
  const samples = (groups: readonly (readonly [tampered: number, authentic: number])[]) =>
    groups.flatMap(([tampered, authentic], g) =>
      Array.from({ length: tampered + authentic }, (_, i) => ({
        id: `${g}/${i}`,
        group: `g${g}`,
        label: i < tampered ? (1 as const) : (0 as const),
      })),
    );
  const sizes = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })).filter(([t, a]) => t + a > 0);

  test('never parts a group, loses nothing, and does not depend on the order of samples', () => {
    fc.assert(
      fc.property(
        fc.array(sizes, { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 2, max: 5 }),
        fc.nat(9),
        (groups, folds, seed) => {
          const all = samples(groups);
          const dealt = foldsByGroup(all, { folds, seed });
          expect(dealt).toHaveLength(folds);
          expect(dealt.flat()).toHaveLength(all.length);
          const homes = dealt.flatMap((fold, i) =>
            [...new Set(fold.map(({ group }) => group))].map(group => [group, i]),
          );
          expect(new Set(homes.map(([group]) => group)).size).toBe(homes.length);
          expect(dealt.every(fold => fold.length > 0)).toBe(true);
          const turned = foldsByGroup(all.toReversed(), { folds, seed });
          expect(turned.map(fold => fold.map(({ id }) => id).toSorted())).toEqual(
            dealt.map(fold => fold.map(({ id }) => id).toSorted()),
          );
        },
      ),
    );
  });

  test('deals both labels evenly', () => {
    const random = new Random(3);
    const all = samples(Array.from({ length: 120 }, () => [random.integer(0, 5), random.integer(0, 3)] as const));
    for (const label of [0, 1] as const) {
      const counts = foldsByGroup(all, { folds: 5, seed: 1 }).map(
        fold => fold.filter(each => each.label === label).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3);
    }
  });

  test('deals differently by another seed, and refuses more folds than there are groups', () => {
    const all = samples([
      [1, 1],
      [2, 0],
      [3, 1],
      [1, 2],
      [1, 1],
      [1, 1],
    ]);
    const first = (seed: number) => foldsByGroup(all, { folds: 2, seed })[0]!.map(({ group }) => group);
    expect(first(1)).not.toEqual(first(2));
    expect(() => foldsByGroup(all, { folds: 7, seed: 1 })).toThrow(
      '7 folds need 7 groups of samples with sources of their own, but there are 6 (of 15 samples); ask for fewer folds',
    );
  });
});
