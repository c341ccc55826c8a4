import { expect, test } from 'vitest';

import type { RandomState } from './random.ts';
import { Random } from './random.ts';

const draw = (random: Random, count = 8) => Array.from({ length: count }, () => random.bits());

test('the same seed gives the same numbers, another seed others', () => {
  expect(draw(new Random(1))).toEqual(draw(new Random('1')));
  expect(draw(new Random(1))).not.toEqual(draw(new Random(2)));
  expect(draw(new Random(1), 3)).toMatchInlineSnapshot(`
    [
      788418860,
      1493164694,
      3641817173,
    ]
  `);
});

test('a generator goes on from its state through JSON', () => {
  const random = new Random('resume');
  draw(random, 5);
  const copy = Random.fromJSON(JSON.parse(JSON.stringify(random)) as RandomState);
  expect(draw(copy)).toEqual(draw(random));
  expect(draw(copy.fork('a'))).toEqual(draw(random.fork('a')));
});

test('a fork depends on the seed and its key, not on what was drawn', () => {
  const fresh = new Random(7);
  const used = new Random(7);
  draw(used);
  expect(draw(used.fork('crop'))).toEqual(draw(fresh.fork('crop')));
  expect(draw(fresh.fork('crop'))).not.toEqual(draw(fresh.fork('flip')));
});

test('uniform, integer and normal have the moments they should', () => {
  const random = new Random(3);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const many = (f: () => number) => Array.from({ length: 20_000 }, f);
  expect(mean(many(() => random.uniform(2, 4)))).toBeCloseTo(3, 1);
  const dice = many(() => random.integer(1, 7));
  expect([Math.min(...dice), Math.max(...dice)]).toEqual([1, 6]);
  expect(mean(dice)).toBeCloseTo(3.5, 1);
  const normal = many(() => random.normal(5, 2));
  expect(mean(normal)).toBeCloseTo(5, 1);
  expect(Math.sqrt(mean(normal.map(value => (value - 5) ** 2)))).toBeCloseTo(2, 1);
});

test('pick follows its weights and never picks a weight of zero', () => {
  const random = new Random(4);
  const picks = Array.from({ length: 4000 }, () => random.pick(['a', 'b', 'c'], [1, 0, 3]));
  expect(picks).not.toContain('b');
  expect(picks.filter(pick => pick === 'c').length / picks.length).toBeCloseTo(0.75, 1);
});

test('shuffle keeps every item and leaves its argument alone', () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = new Random(5).shuffle(items);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted()).toEqual(items);
  expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('integer refuses an empty range', () => {
  expect(() => new Random(1).integer(3, 3)).toThrow('Random: no whole number in [3, 3)');
});
