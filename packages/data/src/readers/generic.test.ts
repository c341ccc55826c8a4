import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { emptyMask, filledImage } from '@forgelens/imaging';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { writeFiles } from '../testing.ts';
import { readMaterial } from './index-file.ts';
import { readDataset } from './read-dataset.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'forgelens-'))));
afterEach(() => rm(folder, { recursive: true }));

const image = { image: filledImage(2, 2) };
const mask = { mask: emptyMask(2, 2) };
const header = 'split,set,image,mask,kind,width,height,authentic,extra';
const index = (...rows: string[]) => ({ 'index.csv': [header, ...rows, ''].join('\n') });

describe('an index', () => {
  test('gives samples with absolute paths, labels and groups', async () => {
    await writeFiles(folder, {
      ...index(
        'train,x_tp,a/1_fake.png,m/1.png,splice,2,2,,',
        'dev,x_au,a/1_orig.png,,authentic,2,2,,',
        'train,photos,a/p.png,m/1.png,object mask,2,2,,',
      ),
      'a/1_fake.png': image,
      'a/1_orig.png': image,
      'a/p.png': image,
      'm/1.png': mask,
    });
    const path = join(folder, 'index.csv');
    const samples = await readDataset(path);
    expect(samples).toEqual([
      {
        id: 'a/1_fake.png',
        set: 'x_tp',
        split: 'train',
        image: join(folder, 'a/1_fake.png'),
        mask: join(folder, 'm/1.png'),
        label: 1,
        group: 'x:1',
      },
      {
        id: 'a/1_orig.png',
        set: 'x_au',
        split: 'dev',
        image: join(folder, 'a/1_orig.png'),
        mask: null,
        label: 0,
        group: 'x:1',
      },
    ]);
    expect(await readDataset(path, { split: 'dev' })).toEqual([samples[1]]);
    expect(await readDataset(path, { sets: ['x_tp'] })).toEqual([samples[0]]);
    expect(await readDataset(folder)).toEqual(samples);
    expect(await readDataset(path)).toEqual(samples);
  });

  test('gives material with its objects', async () => {
    await writeFiles(folder, {
      ...index(
        'train,coco,a.png,,natural+instances,20,10,,a.txt',
        'train,bsds,b.png,,natural,20,10,,b.seg.png',
        'train,ccp,c.png,c.mask.png,object mask,20,10,,',
        'train,x_au,a.png,,authentic,20,10,,',
      ),
      'a.png': image,
      'b.png': image,
      'c.png': image,
      'a.txt': '',
      'b.seg.png': image,
      'c.mask.png': mask,
    });
    const material = await readMaterial(join(folder, 'index.csv'));
    expect(material.map(({ objects }) => objects.kind)).toEqual(['polygons', 'segments', 'mask']);
    expect(material[0]).toMatchObject({ id: 'a.png', width: 20, height: 10, image: join(folder, 'a.png') });
  });

  test.each([
    [['set,image', 'x,a.png'], 'no column split, mask, kind; columns are set, image'],
    [[header, 'train,x,b.png,,authentic,,,,'], 'line 2: no such file b.png'],
    [[header, 'train,x,a.png,,authentic,,,,', 'train,x,a.png,b.png,splice,,,,'], 'line 3: no such file b.png'],
    [
      [header, 'train,x,a.png,,splice,,,,'],
      'line 2: no mask for a.png of kind "splice"; only kind "authentic" has none',
    ],
    [
      [header, 'train,x,a.png,a.png,authentic,,,,'],
      'line 2: a.png is authentic but has the mask a.png; leave it empty',
    ],
    [[header, 'train,x'], 'not a CSV table (Invalid Record Length: columns length is 9, got 2 on line 2)'],
    [[], 'no column split, set, image, mask, kind; columns are missing: the table is empty'],
  ])('is refused where it is wrong: %j', async (lines, problem) => {
    await writeFiles(folder, { 'index.csv': lines.join('\n'), 'a.png': image });
    const path = join(folder, 'index.csv');
    await expect(readDataset(path)).rejects.toThrow(`${path}: ${problem}`);
  });

  test.each([
    ['train,x,a.png,,natural,2,2,,', 'line 2: a.png has neither mask nor extra; name its objects'],
    ['train,x,a.png,a.png,object mask,,2,,', 'line 2: a.png has width "" and height "2"; both must be above 0'],
  ])('of material is refused where it is wrong: %s', async (row, problem) => {
    await writeFiles(folder, { ...index(row), 'a.png': image });
    await expect(readMaterial(join(folder, 'index.csv'))).rejects.toThrow(problem);
  });
});

describe('a folder', () => {
  test('pairs pictures and masks by name, with or without a suffix', async () => {
    await writeFiles(folder, {
      'Tp/b.jpg': image,
      'Tp/a.png': image,
      'Tp/c.png': image,
      'Gt/b_gt.png': mask,
      'Gt/a.png': mask,
      'Gt/c_mask.png': mask,
      'Gt/0.png': mask,
      'Au/d.jpg': image,
      'Tp/notes.txt': 'not a picture',
    });
    const samples = await readDataset(folder);
    expect(samples.map(({ id, mask, label }) => [id, mask && mask.slice(folder.length + 1), label])).toEqual([
      ['Tp/a.png', 'Gt/a.png', 1],
      ['Tp/b.jpg', 'Gt/b_gt.png', 1],
      ['Tp/c.png', 'Gt/c_mask.png', 1],
      ['Au/d.jpg', null, 0],
    ]);
  });

  test('of pictures alone has no truth', async () => {
    await writeFiles(folder, { 'b.png': image, 'a.jpg': image });
    expect((await readDataset(folder)).map(({ id, label, mask }) => [id, label, mask])).toEqual([
      ['a.jpg', 0, null],
      ['b.png', 0, null],
    ]);
  });

  test('is refused when a mask is missing', async () => {
    await writeFiles(folder, { 'image/a.jpg': image, 'image/b.jpg': image, 'mask/a.png': mask, 'mask/c.png': mask });
    await expect(readDataset(folder)).rejects.toThrow(
      `${folder}: no mask for image/b.jpg; looked for mask/b.*, mask/b_gt.*, mask/b_mask.*`,
    );
  });

  test('is refused when it has no pictures or is not there', async () => {
    await expect(readDataset(folder)).rejects.toThrow(
      `${folder}: no pictures; looked for image/ and mask/, Tp/ and Gt/, and pictures in the folder itself`,
    );
    const missing = join(folder, 'nowhere');
    await expect(readDataset(missing)).rejects.toThrow(`${missing}: no such file or folder`);
    await expect(readDataset(missing)).rejects.toThrow(`${missing}: no such file`);
  });
});
