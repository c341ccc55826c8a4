import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ablationTable, backboneTable } from './costs.ts';

/** The rows of all tables of a page, without how they are laid out. */
const rowsOf = (page: string): string[][] =>
  readFileSync(new URL(`../../docs/models/${page}.md`, import.meta.url), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    );

test('the page on encoders says what they take: npx tsx tools/models/costs.ts', () => {
  expect(rowsOf('backbones')).toEqual(expect.arrayContaining(backboneTable()));
});

test('the page on M2SFormer says what its ablations take: npx tsx tools/models/costs.ts', () => {
  expect(rowsOf('m2sformer')).toEqual(expect.arrayContaining(ablationTable()));
});
