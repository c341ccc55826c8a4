import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Random } from '@forgelens/autograd';
import { degrade, emptyMask, tamperedFraction } from '@forgelens/imaging';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Pictures } from '../pictures.ts';
import { readMaterial } from '../readers/index-file.ts';
import { photograph, triangle, writeFiles } from '../testing.ts';
import { drawRecipe } from './draw-recipe.ts';
import { drawHistory } from './histories.ts';
import { makeForgery } from './make-forgery.ts';
import { Photographs } from './photographs.ts';
import { forgeryKinds, parseRecipe, photographsOf, pictureKind, Recipe } from './recipe.ts';

let folder: string;
let photographs: Photographs;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forgelens-'));
  await writeFiles(folder, {
    'index.csv': [
      'split,set,image,mask,kind,width,height,authentic,extra',
      'train,x,m.jpg,m.png,object mask,120,90,,',
      'train,x,s.jpg,,natural,96,104,,s.png',
      'train,x,p.jpg,,natural,110,100,,p.txt',
    ].join('\n'),
    'm.jpg': { image: photograph(3, 120, 90) },
    's.jpg': { image: photograph(4, 96, 104) },
    'p.jpg': { image: photograph(5, 110, 100) },
    'm.png': { mask: triangle(120, 90) },
    's.png': { mask: triangle(96, 104) },
    'p.txt': '0 0.3 0.3 0.7 0.3 0.7 0.7\n1 0.1 0.1 0.3 0.1 0.3 0.4\n',
  });
  photographs = new Photographs(await readMaterial(join(folder, 'index.csv')), new Pictures(1e8));
});
afterAll(() => rm(folder, { recursive: true }));

const draw = (seed: number, kind: Recipe['edits'][number]['kind'] | 'authentic') =>
  drawRecipe(new Random(seed), photographs, { kind, size: 64 });

describe('a drawn recipe', () => {
  test.each([...forgeryKinds, 'authentic'] as const)('of kind %s is valid and is the same for a seed', async kind => {
    for (let seed = 0; seed < 8; seed++) {
      const recipe = await draw(seed, kind);
      expect(parseRecipe(JSON.stringify(recipe), 'r.json')).toEqual(recipe);
      expect(await draw(seed, kind)).toEqual(recipe);
      expect(kind === 'authentic' ? [] : [kind]).toEqual(recipe.edits.slice(0, 1).map(edit => edit.kind));
      for (const id of photographsOf(recipe)) expect(photographs.find(id).id).toBe(id);
    }
  });

  test('says its kind: one, several, or none', () => {
    const recipe = (...kinds: string[]) => ({ edits: kinds.map(kind => ({ kind })) }) as Recipe;
    expect(pictureKind(recipe())).toBe('authentic');
    expect(pictureKind(recipe('splice', 'splice'))).toBe('splice');
    expect(pictureKind(recipe('splice', 'removal'))).toBe('mixed');
  });

  test('ends with the wanted size, whatever happens to it', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const { canvas, after } = drawHistory(new Random(seed), 61);
      const { image } = await degrade(photograph(1, canvas, canvas), null, after, 1);
      expect([image.width, image.height]).toEqual([61, 61]);
      seen.add(after.map(({ name }) => name).join());
    }
    expect(seen.size).toBeGreaterThan(4);
  });
});

describe('making', () => {
  test.each(forgeryKinds)('a %s changes the picture where its mask says, and hardly elsewhere', async kind => {
    for (let seed = 0; seed < 6; seed++) {
      const recipe = await draw(seed, kind);
      const { image, mask } = await makeForgery(recipe, photographs);
      const source = await makeForgery({ ...recipe, edits: [] }, photographs);
      expect([image.width, image.height, mask.width, mask.height]).toEqual([64, 64, 64, 64]);
      expect(tamperedFraction(mask)).toBeGreaterThan(0.005);
      expect(tamperedFraction(mask)).toBeLessThan(0.6);
      expect(source.mask).toEqual(emptyMask(64, 64));
      const change = [0, 0];
      for (let i = 0; i < image.data.length; i++)
        change[mask.data[Math.floor(i / 3)]!]! += Math.abs(image.data[i]! - source.image.data[i]!);
      const [outside, inside] = [change[0]! / (1 - tamperedFraction(mask)), change[1]! / tamperedFraction(mask)];
      expect(inside).toBeGreaterThan(2 * outside);
    }
  });

  test('gives the same forgery for the same recipe, also after it was written down', async () => {
    for (const [seed, kind] of forgeryKinds.entries()) {
      const recipe = await draw(seed, kind);
      const again = parseRecipe(JSON.stringify(recipe), 'r.json');
      const other = new Photographs(photographs.material, new Pictures(1e8));
      expect(await makeForgery(again, other)).toEqual(await makeForgery(recipe, photographs));
    }
  });

  test.each(['patches', 'clone', 'diffusion'] as const)('covers a removed object by %s', async fill => {
    const recipe = Recipe.parse({
      version: 1,
      host: { photograph: 'm.jpg', left: 10, top: 0, side: 90, canvas: 90 },
      before: [],
      edits: [{ kind: 'removal', object: { from: 'polygon', line: 0 }, grow: 2, fill, feather: 0.5 }],
      after: [],
      seed: '1',
    });
    const host = { ...recipe.host, photograph: 'p.jpg' };
    const { image, mask } = await makeForgery({ ...recipe, host }, photographs);
    const { image: source } = await makeForgery({ ...recipe, host, edits: [] }, photographs);
    // The grown triangle is covered, and nothing but its soft edge around it has changed.
    expect(tamperedFraction(mask)).toBeGreaterThan(0.08);
    let [changed, outside] = [0, 0];
    for (let i = 0; i < mask.data.length; i++) {
      const isChanged = [0, 1, 2].some(c => image.data[3 * i + c] !== source.data[3 * i + c]);
      if (isChanged) changed++;
      if (isChanged && mask.data[i] === 0) outside++;
    }
    expect(changed).toBeGreaterThan(0.8 * tamperedFraction(mask) * mask.data.length);
    expect(outside).toBeLessThan(0.3 * changed);
  });

  test('refuses material that lacks a photograph or an object of the recipe', async () => {
    const recipe = await draw(1, 'splice');
    const few = new Photographs([], new Pictures(1));
    await expect(makeForgery(recipe, few)).rejects.toThrow(
      `no photograph ${recipe.host.photograph} among the 0 of the material; take the material of the recipe`,
    );
    await expect(photographs.object(photographs.find('m.jpg'), { from: 'polygon', line: 3 })).rejects.toThrow(
      'm.jpg has no object from polygon, its objects are mask; take the material of the recipe',
    );
  });
});

test('a text that is no recipe is refused with all that is wrong', () => {
  expect(() => parseRecipe('{', 'r.json')).toThrow('r.json: not a recipe (');
  const wrong = { version: 1, host: {}, before: [{ name: 'jpeg_quality', value: 101 }], edits: [], after: [], seed: 1 };
  expect(() => parseRecipe(JSON.stringify(wrong), 'r.json')).toThrow(
    /r\.json: not a recipe \(host\.photograph: .*seed: /s,
  );
  expect(() => parseRecipe(JSON.stringify(wrong), 'r.json')).toThrow(
    'before.0: jpeg_quality=101: must be a whole number from 1 to 100',
  );
});
