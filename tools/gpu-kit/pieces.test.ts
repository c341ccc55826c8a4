import { expect, test } from 'vitest';
import { checkList, cutIntoPieces } from './pieces.ts';

test('pieces follow one another, are no larger than the limit, and sort by name', () => {
  expect(cutIntoPieces('kit.tar.gz', 25, 10)).toEqual([
    { name: 'kit.tar.gz.000', begin: 0, end: 10 },
    { name: 'kit.tar.gz.001', begin: 10, end: 20 },
    { name: 'kit.tar.gz.002', begin: 20, end: 25 },
  ]);
  expect(cutIntoPieces('a', 20, 10).map(({ end }) => end)).toEqual([10, 20]);
  expect(cutIntoPieces('a', 0, 10)).toEqual([{ name: 'a.000', begin: 0, end: 0 }]);
  const names = cutIntoPieces('a', 1000, 1).map(({ name }) => name);
  expect(names).toEqual([...names].sort());
});

test('more pieces than names sort right are refused', () => {
  expect(() => cutIntoPieces('a', 1001, 1)).toThrow('a: 1001 bytes are more than 1000 pieces of 1; leave data out');
});

test('the list of sums is as sha256sum writes it', () => {
  expect(
    checkList(
      new Map([
        ['a', '00ff'],
        ['b', '01'],
      ]),
    ),
  ).toBe('00ff  a\n01  b\n');
});
