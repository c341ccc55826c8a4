import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Image, Mask } from '@forgelens/imaging';
import { encodeMask, encodePng } from '@forgelens/imaging';
import { describe, expect, test } from 'vitest';
import { forgelens, temporaryFolder } from './testing.ts';

/** A picture of 12 × 8 px with stripes of its own. */
const striped = (n: number): Image => ({
  width: 12,
  height: 8,
  data: Uint8Array.from(
    { length: 288 },
    (_, i) => (((i % 36) * (n + 3) + Math.floor(i / 36) * (5 * n + 11)) * 37) % 256,
  ),
});

/** A mask of 12 × 8 px, of which so many columns are tampered. */
const marking = (columns: number): Mask => ({
  width: 12,
  height: 8,
  data: Uint8Array.from({ length: 96 }, (_, i) => (i % 12 < columns ? 1 : 0)),
});

/** Three scenes of COVERAGE, with an original and a forgery each; of the second, the mask is for the first's size. */
async function coverage(): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(path.join(folder, 'COVERAGE/image'), { recursive: true });
  await mkdir(path.join(folder, 'COVERAGE/mask'));
  for (const n of [41, 42, 43]) {
    const write = (name: string, bytes: Uint8Array) => writeFile(path.join(folder, 'COVERAGE', name), bytes);
    await write(`image/${n}.tif`, await encodePng(striped(n)));
    await write(`image/${n}t.tif`, await encodePng(striped(n + 10)));
    const mask = marking(4);
    await write(
      `mask/${n}forged.tif`,
      await encodeMask(n === 41 ? { ...mask, height: 7, data: mask.data.subarray(12) } : mask),
    );
  }
  return folder;
}

describe('data check', () => {
  test('says what is wrong, names what is known, and ends with 3', async () => {
    const folder = await coverage();
    const { code, stdout, stderr } = await forgelens(folder, ['data', 'check', 'COVERAGE', '--dataset', 'coverage']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "6 samples: 3 tampered, 3 authentic
      ┌───────────────┬──────────┬───────┬──────────────────────────────────────────┬────────────────────────┐
      │ Finding       │ Severity │ Count │ What it is                               │ In a repaired manifest │
      ├───────────────┼──────────┼───────┼──────────────────────────────────────────┼────────────────────────┤
      │ size-mismatch │ error    │     1 │ a mask has another size than its picture │ left out               │
      └───────────────┴──────────┴───────┴──────────────────────────────────────────┴────────────────────────┘

      size-mismatch
        41forged.tif is 12×7 but the picture is 12×8 (known: one of 9 whose masks have another size than the picture; corrected masks are published)
      "
    `);
  });

  test('gives a JSON report, a sheet and a repaired manifest, and touches no other file', async () => {
    const folder = await coverage();
    const before = await readdir(folder, { recursive: true });
    const argv = ['data', 'check', 'COVERAGE', '--dataset', 'coverage', '--json'];
    const run = await forgelens(folder, [...argv, '--sheet', 'sheet.html', '--fix', 'fixed.jsonl']);
    expect(run).toMatchObject({ code: 3, stderr: 'sheet.html: 1 finding to look at\nfixed.jsonl: 5 of 6 samples\n' });
    expect(JSON.parse(run.stdout)).toMatchObject({
      path: 'COVERAGE',
      dataset: 'coverage',
      samples: 6,
      counts: { 'size-mismatch': 1 },
      findings: [{ kind: 'size-mismatch', ids: ['image/41t.tif'] }],
    });
    expect(await readdir(folder, { recursive: true })).toEqual(
      expect.arrayContaining([...before, 'sheet.html', 'fixed.jsonl']),
    );
    expect(await readFile(path.join(folder, 'sheet.html'), 'utf8')).toContain('41forged.tif, 12×7');
    const again = await forgelens(folder, ['data', 'check', 'fixed.jsonl']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toBe('5 samples: 2 tampered, 3 authentic\nNothing is wrong with them.\n');
  });

  test('refuses in one sentence what it cannot read or write', async () => {
    const folder = await coverage();
    await writeFile(path.join(folder, 'there.html'), '');
    const run = async (...argv: string[]) => {
      const { code, stdout, stderr } = await forgelens(folder, ['data', 'check', ...argv]);
      return `${code} ${stdout}${stderr}`.replaceAll(folder, '');
    };
    expect([
      await run('nowhere'),
      await run('COVERAGE'),
      await run('COVERAGE', '--dataset', 'casia'),
      await run('COVERAGE', '--dataset', 'dso-1'),
      await run('COVERAGE', '--dataset', 'coverage', '--split', 'train'),
      await run('COVERAGE', '--dataset', 'coverage', '--sheet', 'there.html'),
      await run('COVERAGE', '--dataset', 'coverage', '--fix', 'no/where.jsonl'),
    ]).toMatchInlineSnapshot(`
      [
        "2 DataError: /nowhere: no such file or folder
      ",
        "3 0 samples: 0 tampered, 0 authentic
      ┌──────────────┬──────────┬───────┬────────────────────────────────┬────────────────────────┐
      │ Finding      │ Severity │ Count │ What it is                     │ In a repaired manifest │
      ├──────────────┼──────────┼───────┼────────────────────────────────┼────────────────────────┤
      │ missing-mask │ error    │     6 │ a tampered picture has no mask │ left out               │
      │ extra-mask   │ warning  │     3 │ a mask has no picture          │ not listed             │
      └──────────────┴──────────┴───────┴────────────────────────────────┴────────────────────────┘

      missing-mask
        no mask for image/41.tif; looked for mask/41.*, mask/41_gt.*, mask/41_mask.*
        no mask for image/41t.tif; looked for mask/41t.*, mask/41t_gt.*, mask/41t_mask.*
        no mask for image/42.tif; looked for mask/42.*, mask/42_gt.*, mask/42_mask.*
        no mask for image/42t.tif; looked for mask/42t.*, mask/42t_gt.*, mask/42t_mask.*
        no mask for image/43.tif; looked for mask/43.*, mask/43_gt.*, mask/43_mask.*
        no mask for image/43t.tif; looked for mask/43t.*, mask/43t_gt.*, mask/43t_mask.*

      extra-mask
        no picture for the mask mask/41forged.tif
        no picture for the mask mask/42forged.tif
        no picture for the mask mask/43forged.tif
      ",
        "2 UsageError: unknown data set "casia" (data sets: casia-v1, casia-v2, dis25k, columbia, imd2020, comofod, in-the-wild, misd, fantastic-reality, tampcoco, cocoglide, realistic-tampering, coverage, nist16, dso-1)
      ",
        "2 DataError: /COVERAGE: no picture of DSO-1; looked for DSO-1/splicing-<n>.png with DSO-1-Fake-Images-Masks/splicing-<n>.png, and DSO-1/normal-<n>.png
      ",
        "2 UsageError: no picture left in COVERAGE with split "train" and sets all; see its columns
      ",
        "2 UsageError: there.html is there already; remove it, or choose another name with --sheet
      ",
        "2 UsageError: no folder for no/where.jsonl; make it, or choose another with --fix
      ",
      ]
    `);
  });

  test('stops when it is asked to', async () => {
    const folder = await coverage();
    const stop = AbortSignal.abort();
    const run = await forgelens(folder, ['data', 'check', 'COVERAGE', '--dataset', 'coverage'], { signal: stop });
    expect(run).toEqual({ code: 130, stdout: '', stderr: 'stopped\n' });
  });

  test('has help', async () => {
    expect((await forgelens('/', ['data', 'check', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens data check [options] <path>

      Reads every file of a data set and tells what is wrong: unreadable files, missing and extra masks,
      masks of another size, inverted, coloured or grey ones, duplicates and pictures that look the same,
      sources on both sides of a split, equal file names, and what is published about the data set. It
      changes no file.

      Arguments:
        path                 a folder, an index.csv, a manifest.jsonl, or a list (.txt, .lst, .json)

      Options:
        --dataset <name>     the published data set that it is (casia-v1, casia-v2, dis25k, columbia,
                             imd2020, comofod, in-the-wild, misd, fantastic-reality, tampcoco, cocoglide,
                             realistic-tampering, coverage, nist16, dso-1)
        --root <folder>      what the paths of a list are relative to; its own folder unless given
        --split <name>       take this split only
        --sets <a,b>         take these sets only
        --json               print the whole report as JSON
        --sheet <file.html>  write a page with the pictures and masks that something was found about
        --fix <file.jsonl>   write a manifest without what is wrong; no other file is touched
        -h, --help           display help for command

      Global Options:
        -V, --version        output the version number
        -q, --quiet          say nothing but results and problems
        --no-color           write without colours, as with NO_COLOR set

      Examples:
        $ forgelens data check dataset/index.csv --split train --sheet suspicious.html
        $ forgelens data check COVERAGE --dataset coverage --fix coverage.jsonl

      It ends with 3 when it finds errors or warnings.
      "
    `);
  });
});

describe('data manifest', () => {
  test('lists files and hashes, and is a data set itself', async () => {
    const folder = await coverage();
    const run = (...argv: string[]) => forgelens(folder, ['data', ...argv]);
    expect(await run('manifest', 'COVERAGE', '--dataset', 'coverage', '--out', 'a.jsonl')).toEqual({
      code: 0,
      stdout: 'a.jsonl: 6 samples of 3 sources, 3 tampered and 3 authentic\n',
      stderr: '',
    });
    await run('manifest', 'a.jsonl', '--out', 'b.jsonl');
    expect(await readFile(path.join(folder, 'b.jsonl'), 'utf8')).toBe(
      await readFile(path.join(folder, 'a.jsonl'), 'utf8'),
    );
    expect((await run('manifest', 'a.jsonl', '--out', 'b.jsonl')).stderr).toBe(
      'UsageError: b.jsonl is there already; remove it, or choose another name with --out\n',
    );
  });

  test('takes a published list, whose paths are relative to the data set', async () => {
    const folder = await coverage();
    await mkdir(path.join(folder, 'lists'));
    await writeFile(
      path.join(folder, 'lists/valid.txt'),
      'image/42t.tif,mask/42forged.tif,0jpg/42t.jpg\nimage/42.tif,None\n',
    );
    const argv = [
      'data',
      'manifest',
      'lists/valid.txt',
      '--root',
      'COVERAGE',
      '--dataset',
      'coverage',
      '--out',
      'a.jsonl',
    ];
    expect((await forgelens(folder, argv)).stdout).toBe('a.jsonl: 2 samples of 1 source, 1 tampered and 1 authentic\n');
  });
});

describe('data split', () => {
  test('deals folds that share no source, and tells how large they are', async () => {
    const folder = await coverage();
    const argv = ['data', 'split', 'COVERAGE', '--dataset', 'coverage', '--folds', '3', '--out', 'folds.jsonl'];
    expect(await forgelens(folder, argv)).toEqual({
      code: 0,
      stdout: [1, 2, 3].map(n => `fold${n}: 2 samples of 1 source, 1 tampered and 1 authentic\n`).join(''),
      stderr: '',
    });
    const { stdout } = await forgelens(folder, ['data', 'check', 'folds.jsonl', '--split', 'fold2']);
    expect(stdout).toMatch(/^2 samples: 1 tampered, 1 authentic/);
  });

  test('says when sources hold most samples together', async () => {
    const folder = await temporaryFolder();
    const row = (i: number) => `train,x,${i < 4 ? 'a' : i}_t.${i}.png,,authentic,group ${i < 4 ? 'a' : i}`;
    const rows = Array.from({ length: 6 }, (_, i) => row(i));
    await writeFile(path.join(folder, 'index.csv'), ['split,set,image,mask,kind,extra', ...rows].join('\n'));
    for (const line of rows) await writeFile(path.join(folder, line.split(',')[2]!), '');
    expect(
      await forgelens(folder, ['data', 'split', 'index.csv', '--folds', '3', '--out', 'folds.jsonl']),
    ).toMatchObject({
      code: 0,
      stderr: 'The folds are of unequal size: 4 of 6 samples are connected by common sources, and stay together.\n',
    });
  });

  test('refuses more folds than there are sources', async () => {
    const folder = await coverage();
    const argv = ['data', 'split', 'COVERAGE', '--dataset', 'coverage', '--out', 'folds.jsonl'];
    expect(await forgelens(folder, argv)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'UsageError: 5 folds need 5 groups of samples with sources of their own, but there are 3 (of 6 samples); ask for fewer folds\n',
    });
  });
});
