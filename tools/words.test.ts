import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('cspell.words.txt is sorted and says nothing twice', () => {
  const words = readFileSync(join(import.meta.dirname, '../cspell.words.txt'), 'utf8')
    .trim()
    .split('\n');
  expect(words).toEqual([...new Set(words)].sort());
});
