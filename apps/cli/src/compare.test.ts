import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataset, forgelens } from './testing.ts';

/** A folder with a data set and two reports of it: by the model, and as if all that it found had been missed. */
async function reports(): Promise<string> {
  const folder = await dataset();
  const { stdout } = await forgelens(folder, ['evaluate', '--data', 'data', '--split', 'dev', '--json']);
  const report = JSON.parse(stdout) as { images: { counts: Record<'tp' | 'fp' | 'fn' | 'tn', number> }[] };
  const missed = report.images.map(image => {
    const { tp, fp, fn, tn } = image.counts;
    return { ...image, counts: { tp: 0, fp: 0, fn: tp + fn, tn: fp + tn } };
  });
  await writeFile(path.join(folder, 'ours.json'), stdout);
  await writeFile(path.join(folder, 'blind.json'), JSON.stringify({ ...report, images: missed }));
  return folder;
}

describe('forgelens compare', () => {
  test('shows each model, and its differences from the first', async () => {
    const { code, stdout, stderr } = await forgelens(await reports(), ['compare', 'ours.json', 'blind.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "3 pictures that every model has scored, at the fixed threshold 0.5
      ┌───────┬───────┬───────────┬───────┬───────┬──────────────────┬───────────┐
      │ Model │    F1 │ Pooled F1 │   IoU │   AUC │ False-alarm area │ Image AUC │
      ├───────┼───────┼───────────┼───────┼───────┼──────────────────┼───────────┤
      │ ours  │ 0.833 │     0.857 │ 0.750 │ 0.875 │            0.125 │     0.500 │
      │ blind │ 0.000 │     0.000 │ 0.000 │ 0.875 │            0.000 │     0.500 │
      └───────┴───────┴───────────┴───────┴───────┴──────────────────┴───────────┘
      Differences from ours, picture by picture
      ┌───────┬──────────────────┬────────────┬──────────────────┬────────────────┐
      │ Model │ Number           │ Difference │ 95 % interval    │ The model is   │
      ├───────┼──────────────────┼────────────┼──────────────────┼────────────────┤
      │ blind │ F1               │     -0.833 │ -1.000 to -0.667 │ worse          │
      │ blind │ Pooled F1        │     -0.857 │ -1.000 to -0.667 │ worse          │
      │ blind │ IoU              │     -0.750 │ -1.000 to -0.500 │ worse          │
      │ blind │ AUC              │      0.000 │ 0.000 to 0.000   │ not told apart │
      │ blind │ False-alarm area │     -0.125 │ –                │ not told apart │
      │ blind │ Image AUC        │      0.000 │ 0.000 to 0.000   │ not told apart │
      └───────┴──────────────────┴────────────┴──────────────────┴────────────────┘
      "
    `);
  });

  test('writes a page and a CSV, and never over a file', async () => {
    const folder = await reports();
    const argv = ['compare', 'ours.json', 'blind.json', '--report', 'page.html', '--csv', 'numbers.csv', '--json'];
    const { code, stdout } = await forgelens(folder, argv);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ images: 3, models: [{ name: 'ours' }, { name: 'blind' }] });
    const page = await readFile(path.join(folder, 'page.html'), 'utf8');
    expect(page).toContain('forgelens compare ours.json blind.json --report page.html --csv numbers.csv');
    expect(await readFile(path.join(folder, 'numbers.csv'), 'utf8')).toMatch(/^model,set,measure,value,/);
    expect((await forgelens(folder, argv)).stderr).toMatchInlineSnapshot(`
      "UsageError: page.html is there already; remove it, or choose another name with --report
      "
    `);
  });

  test('refuses one report, none, and reports of other pictures', async () => {
    const folder = await reports();
    const refuse = async (...argv: string[]) => {
      const { code, stderr } = await forgelens(folder, ['compare', ...argv]);
      expect(code).toBe(2);
      return stderr;
    };
    const { stdout } = await forgelens(folder, ['evaluate', '--data', 'data', '--split', 'train', '--json']);
    await mkdir(path.join(folder, 'train'));
    await writeFile(path.join(folder, 'train/ours.json'), stdout);
    expect(await refuse('ours.json')).toMatchInlineSnapshot(`
      "UsageError: compare: needs two reports or more
      "
    `);
    expect(await refuse('ours.json', 'nowhere.json')).toMatchInlineSnapshot(`
      "UsageError: nowhere.json: no such report; make one with "forgelens evaluate --json > nowhere.json"
      "
    `);
    expect((await refuse('ours.json', 'train/ours.json')).replaceAll(/[0-9a-f]{12}/g, '…')).toMatchInlineSnapshot(`
      "UsageError: ours.json and train/ours.json are of different lists of images (… and …); evaluate both models on the same list
      "
    `);
  });
});

describe('forgelens reproduce', () => {
  test('prints a published table', async () => {
    const { code, stdout, stderr } = await forgelens('/', ['reproduce', 'sdpal', 'cross-domain']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Tested on data sets that were not trained on, in per cent
      Published: SDPAL: Spatial Difference Patterns Adaptive Learning For Image Forgery Localization, https://github.com/GCLion/SDPAL
      ┌────────────┬───────────────┬──────────────┬────────────────────────┬───────────────────────┬──────────────┬─────────────┐
      │            │ CocoGlide AUC │ CocoGlide F1 │ RealisticTampering AUC │ RealisticTampering F1 │ COVERAGE AUC │ COVERAGE F1 │
      ├────────────┼───────────────┼──────────────┼────────────────────────┼───────────────────────┼──────────────┼─────────────┤
      │ ManTra-Net │         72.15 │        52.43 │                  55.86 │                 20.55 │        71.33 │       30.36 │
      │ SPAN       │         52.36 │        27.95 │                  48.21 │                  6.77 │        54.10 │       15.45 │
      │ AdaCFA     │         53.67 │        29.43 │                  57.99 │                 24.38 │        55.18 │       16.62 │
      │ CAT-Net v2 │         64.81 │        42.62 │                  51.31 │                 12.35 │        63.99 │       36.32 │
      │ IF-OSN     │         63.21 │        43.18 │                  63.60 │                 34.48 │        64.30 │       27.64 │
      │ MVSS-Net   │         66.65 │        47.95 │                  54.73 │                 18.51 │        67.18 │       51.77 │
      │ PSCC-Net   │         70.24 │        52.31 │                  50.96 │                 11.73 │        71.28 │       45.53 │
      │ TruFor     │         68.47 │        51.49 │                  66.82 │                 30.27 │        70.72 │       56.68 │
      │ NCL        │         62.09 │        36.10 │                  51.40 │                 12.52 │        60.68 │       20.46 │
      │ SAM        │         57.88 │        31.02 │                  49.51 │                  9.01 │        56.13 │       15.08 │
      │ SAFIRE     │         75.01 │        55.62 │                  64.65 │                 32.37 │        78.48 │       57.41 │
      │ SDPAL      │         77.02 │        59.31 │                  68.17 │                 38.49 │        76.62 │       55.38 │
      └────────────┴───────────────┴──────────────┴────────────────────────┴───────────────────────┴──────────────┴─────────────┘
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "No scores of ours: make them with "forgelens score <maps> --json", and give them with --ours.
      "
    `);
  });

  test('puts our scores beneath, marked where protocol, data or training differ', async () => {
    const argv = [
      'reproduce',
      'm2sformer',
      'trained-on-casia-v2',
      '--ours',
      'ours.json',
      '--as',
      'a=casia-v1,b=columbia',
    ];
    const { code, stdout } = await forgelens(await reports(), argv);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines.find(line => line.includes('│ M2SFormer'))).toContain('│ 58.4 ± 0.7');
    const ours = lines.filter(line => line.includes('ours: brightness 1')).join('');
    expect(ours.match(/\d+\.\d \(pdt\)/g)).toEqual(['100.0 (pdt)', '100.0 (pdt)', '66.7 (pdt)', '50.0 (pdt)']);
    expect(lines.slice(-4).join('\n')).toMatchInlineSnapshot(`
      "(p) taken by another protocol than the paper’s: the report has no numbers by it
      (d) of other images, of another number of them, or the paper does not say how many it used
      (t) trained otherwise, or it is not known on what
      "
    `);
  });

  test('refuses what is not published, and what is no pair of sets', async () => {
    const refuse = async (...argv: string[]) => (await forgelens('/', ['reproduce', ...argv])).stderr;
    expect(await refuse('m2former', 'cost')).toMatchInlineSnapshot(`
      "UsageError: unknown paper "m2former"; did you mean "m2sformer"? (papers: cdfl, sdpal, m2sformer)
      "
    `);
    expect(await refuse('cdfl', 'cross')).toMatchInlineSnapshot(`
      "UsageError: unknown table "cross" (tables: intra-domain, cross-domain)
      "
    `);
    expect(await refuse('cdfl', 'cross-domain', '--as', 'a')).toMatchInlineSnapshot(`
      "UsageError: --as a: must be <our set>=<data set>, such as casia1_tp=casia-v1
      "
    `);
  });
});
