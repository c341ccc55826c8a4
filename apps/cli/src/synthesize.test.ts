import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { photograph, triangle, writeFiles } from '@forgelens/data/testing';
import { readImage } from '@forgelens/imaging';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKinds } from './commands/synthesize.ts';
import { forgelens } from './testing.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forgelens-'));
  await writeFiles(folder, {
    'photographs/index.csv': 'split,set,image,mask,kind,width,height\ntrain,x,a.jpg,a.png,object mask,100,90\n',
    'photographs/a.jpg': { image: photograph(3, 100, 90) },
    'photographs/a.png': { mask: triangle(100, 90) },
  });
});
afterAll(() => rm(folder, { recursive: true }));

describe('forgelens synthesize', () => {
  test('writes a data set that evaluate reads, and says what is in it', async () => {
    const argv = ['synthesize', 'photographs', '--out', 'made', '--count', '4', '--size', '48', '--workers', '1'];
    const { code, stdout, stderr } = await forgelens(folder, [
      ...argv,
      '--kinds',
      'copy-move',
      '--sheet',
      '--seed',
      'x',
    ]);
    expect(stderr).toBe('4 forgeries from 1 photograph, on 1 thread\n');
    expect(stdout).toMatch(/^│ (copy-move|mixed) +│ +[1-4] │$/m);
    expect(stdout).toMatch(/^Tampered area: [\d.]+ % to [\d.]+ %, median [\d.]+ %$/m);
    expect(stdout).toMatch(/^made: 4 made \([\d.]+ a second\), 0 were there$/m);
    expect(code).toBe(0);

    const sheet = await readImage(join(folder, 'made', 'sheet.jpg'));
    const masks = await readImage(join(folder, 'made', 'sheet-masks.png'));
    expect([masks.width, masks.height]).toEqual([sheet.width, sheet.height]);
    expect(await readFile(join(folder, 'made', 'index.csv'), 'utf8')).toContain('masks/000004.png');
    const evaluated = await forgelens(folder, ['evaluate', '--data', 'made', '--json']);
    expect(evaluated.stderr).toBe('');

    const again = await forgelens(folder, [...argv, '--kinds', 'copy-move', '--seed', 'x', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ folder: 'made', made: 0, found: 4, interrupted: false });
  });

  test('refuses what cannot be made', async () => {
    const small = await forgelens(folder, ['synthesize', 'photographs', '--out', 'x', '--size', '16']);
    expect([small.code, small.stderr]).toEqual([2, 'UsageError: --size 16: must be at least 32 pixels\n']);
    const none = await forgelens(folder, ['synthesize', 'photographs', '--out', 'x', '--split', 'dev']);
    expect([none.code, none.stderr]).toEqual([
      2,
      'UsageError: no photographs with objects in photographs; give an index with rows of kind "natural…", with polygons or segments, or "object mask"\n',
    ]);
    const kind = await forgelens(folder, ['synthesize', 'photographs', '--out', 'x', '--kinds', 'splicing']);
    expect(kind.code).toBe(2);
    expect(kind.stderr).toContain('"splicing" is none of splice, copy-move, removal.');
  });

  test('takes weights of kinds', () => {
    expect(parseKinds('splice=2, removal')).toEqual({ splice: 2, removal: 1 });
    expect(() => parseKinds('splice=0')).toThrow('A weight must be above 0.');
  });
});
