import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataset, forgelens, readJson } from './testing.ts';

const argv = (...rest: string[]) => [
  ...['robustness', '--data', 'data', '--split', 'dev', '--out', 'out'],
  ...['--degradations', 'resize_scale=2,resize_scale=0.5,gamma=2,resize_scale=0.5+gamma=2', ...rest],
];

describe('forgelens robustness', () => {
  test('scores the pictures as they are and after each degradation', async () => {
    const folder = await dataset();
    const { code, stdout, stderr } = await forgelens(folder, argv());
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "At the fixed threshold 0.5; in brackets the paired difference from the untouched pictures
      ┌────────────────────────────────┬───────────────┬───────────────┬───────────────┬────────────────┬──────────────────┬────────────────┐
      │ Degradation                    │ F1            │ Pooled F1     │ IoU           │ AUC            │ False-alarm area │ Image AUC      │
      ├────────────────────────────────┼───────────────┼───────────────┼───────────────┼────────────────┼──────────────────┼────────────────┤
      │ none                           │ 0.833         │ 0.857         │ 0.750         │ 0.875          │ 0.125            │ 0.500          │
      │ resize_scale 2                 │ 0.833 (0.000) │ 0.857 (0.000) │ 0.750 (0.000) │ 0.906 (+0.031) │ 0.125 (0.000)    │ 0.500 (0.000)  │
      │ resize_scale 0.5               │ 0.833 (0.000) │ 0.857 (0.000) │ 0.750 (0.000) │ 1.000 (+0.125) │ 0.000 (-0.125)   │ 1.000 (+0.500) │
      │ gamma 2                        │ 0.833 (0.000) │ 0.857 (0.000) │ 0.750 (0.000) │ 0.875 (0.000)  │ 0.125 (0.000)    │ 0.500 (0.000)  │
      │ chain resize_scale=0.5+gamma=2 │ 0.833 (0.000) │ 0.857 (0.000) │ 0.750 (0.000) │ 1.000 (+0.125) │ 0.250 (+0.125)   │ 1.000 (+0.500) │
      └────────────────────────────────┴───────────────┴───────────────┴───────────────┴────────────────┴──────────────────┴────────────────┘
      "
    `);
    expect(stderr.replaceAll(/about \d+ min/g, 'about … min')).toMatchInlineSnapshot(`
      "2 of 15 pictures are done, about … min left
      3 of 15 pictures are done, about … min left
      5 of 15 pictures are done, about … min left
      6 of 15 pictures are done, about … min left
      8 of 15 pictures are done, about … min left
      9 of 15 pictures are done, about … min left
      11 of 15 pictures are done, about … min left
      12 of 15 pictures are done, about … min left
      14 of 15 pictures are done, about … min left
      15 of 15 pictures are done, about … min left
      The curves are in out/robustness.html.
      "
    `);
    expect((await readdir(path.join(folder, 'out'))).sort()).toEqual([
      ...['images.jsonl', 'robustness.csv', 'robustness.html', 'robustness.json', 'run.json'],
    ]);
    expect(await readFile(path.join(folder, 'out/robustness.html'), 'utf8')).toContain('resize_scale');
  });

  test('goes on where it was killed, within a degradation, with the same result', async () => {
    const folder = await dataset();
    const stop = new AbortController();
    let looked = 0;
    const look = () => void (++looked === 5 && stop.abort());
    const stopped = await forgelens(folder, argv(), { signal: stop.signal, look });
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    const journal = path.join(folder, 'out/images.jsonl');
    // A kill may cut off the last line.
    await writeFile(journal, (await readFile(journal, 'utf8')).slice(0, -20));
    // Those that were being looked at are finished, and the last of them is cut off.
    const kept = looked - 1;
    expect(kept).toBeGreaterThan(3);

    looked = 10;
    const resumed = await forgelens(folder, argv(), { look });
    expect(resumed.code).toBe(0);
    expect(looked - 10).toBe(5 * 3 - kept);
    expect(resumed.stderr).toContain(`${kept} pictures had been done before, ${5 * 3 - kept} to do`);

    const whole = await dataset();
    await forgelens(whole, argv());
    expect(await readJson(folder, 'out/robustness.json')).toEqual(await readJson(whole, 'out/robustness.json'));
  });

  test('adds further degradations to what is there', async () => {
    const folder = await dataset();
    await forgelens(folder, argv());
    const { stderr } = await forgelens(folder, argv('--degradations', 'resize_scale=2,blur_sigma=1'));
    expect(stderr).toContain('6 pictures had been done before, 3 to do');
  });

  test('leaves out a picture whose mask does not fit, says so, and ends with 3', async () => {
    const folder = await dataset();
    const { code, stderr } = await forgelens(folder, [
      ...['robustness', '--data', 'data', '--split', 'odd', '--degradations', 'none=0', '--out', 'out'],
    ]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('unknown degradation "none=0"')]);
    const odd = await forgelens(folder, [
      ...['robustness', '--data', 'data', '--split', 'odd', '--degradations', 'gamma=2', '--out', 'out'],
    ]);
    expect(odd.code).toBe(3);
    expect(odd.stderr.replaceAll(folder, '')).toContain(
      'excluded (gamma=2): /data/wide.png: the mask is 9×8 but its image is 8×8; they must be equal',
    );
  });

  test('refuses the folder of another run, and degradations that are none', async () => {
    const folder = await dataset();
    await forgelens(folder, argv());
    const refuse = async (...rest: string[]) => {
      const { code, stderr } = await forgelens(folder, argv(...rest));
      expect(code).toBe(2);
      return stderr.replaceAll(folder, '').replaceAll(/[0-9a-f]{12}/g, '…');
    };
    expect(await refuse('--seed', '2')).toMatchInlineSnapshot(`
      "UsageError: /out holds results of the seed 1, not 2; choose another folder with --out
      "
    `);
    expect(await refuse('--sets', 'b')).toMatchInlineSnapshot(`
      "UsageError: /out holds results of the list of pictures …, not …; choose another folder with --out
      "
    `);
    expect(await refuse('--degradations', 'pscc2')).toMatchInlineSnapshot(`
      "UsageError: unknown degradations "pscc2"; did you mean "pscc"? (presets: forgelens, imdlbenco, safire, pscc, osn; or <name>=<number>,… with the names jpeg_quality, webp_quality, blur_sigma, blur_kernel, noise_sigma, noise_variance, gamma, resize_scale, resize_longest, crop_share)
      "
    `);
    expect(await refuse('--degradations', 'jpeg_quality=0')).toMatchInlineSnapshot(`
      "UsageError: jpeg_quality=0: must be a whole number from 1 to 100 (quality of libjpeg, 1–100)
      "
    `);
  });
});
