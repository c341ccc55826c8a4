import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { dataset, forgelens } from './testing.ts';

/** A folder with maps of the data set's split `dev`. */
async function mapsFolder(): Promise<string> {
  const folder = await dataset();
  await forgelens(folder, ['evaluate', '--data', 'data', '--split', 'dev', '--out', 'maps']);
  return folder;
}

describe('forgelens score', () => {
  test('shows every F1 of every protocol on the same maps, each with its floor', async () => {
    const { code, stdout, stderr } = await forgelens(await mapsFolder(), ['score', 'maps']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "F1 on the same maps, by every protocol
      ┌─────────────┬───────────────────────────────────────────────┬───────┬───────────────┬────────┬───────────┬──────────┬────────────────────┐
      │ Protocol    │ Measure                                       │    F1 │ 95 % interval │ Images │ Undefined │ Inverted │ Marking everything │
      ├─────────────┼───────────────────────────────────────────────┼───────┼───────────────┼────────┼───────────┼──────────┼────────────────────┤
      │ forgelens   │ F1                                            │ 0.833 │ 0.667–1.000   │      2 │         0 │        – │              0.667 │
      │ forgelens   │ pooled F1                                     │ 0.857 │ 0.667–1.000   │      2 │         0 │        – │              0.667 │
      │ forgelens   │ F1, best threshold of the set (tuned)         │ 0.833 │ –             │      2 │         0 │        – │              0.667 │
      │ forgelens   │ F1, best threshold of each image (oracle)     │ 0.833 │ 0.667–1.000   │      2 │         0 │        – │              0.667 │
      │ forgelens   │ F1, better of prediction and inverse (oracle) │ 0.833 │ 0.667–1.000   │      2 │         0 │        0 │              0.667 │
      │ cdfl        │ F1                                            │ 0.800 │ 0.000–1.000   │      3 │         0 │        – │              0.500 │
      │ sdpal       │ F1                                            │ 0.800 │ 0.000–1.000   │      3 │         0 │        – │              0.500 │
      │ m2sformer   │ DSC                                           │ 0.556 │ 0.000–1.000   │      3 │         0 │        – │              0.444 │
      │ mpc         │ F1                                            │ 0.556 │ 0.000–1.000   │      3 │         0 │        – │              0.444 │
      │ imdlbenco   │ F1                                            │ 0.556 │ 0.000–1.000   │      3 │         0 │        – │              0.444 │
      │ imdlbenco   │ F1 (double)                                   │ 0.556 │ 0.000–1.000   │      3 │         0 │        0 │              0.444 │
      │ trufor      │ F1_best                                       │     – │ –             │      0 │         2 │        0 │                  – │
      │ trufor      │ F1_th                                         │     – │ –             │      0 │         2 │        0 │                  – │
      │ safire      │ F1_best                                       │     – │ –             │      0 │         2 │        0 │                  – │
      │ safire      │ F1_fixed                                      │     – │ –             │      0 │         2 │        0 │                  – │
      │ safire      │ st_F1_fixed                                   │ 0.833 │ 0.667–1.000   │      2 │         0 │        0 │              0.667 │
      │ photoholmes │ F1                                            │ 0.800 │ 0.000–1.000   │      3 │         0 │        – │              0.500 │
      │ photoholmes │ F1_weighted_v1                                │ 0.556 │ 0.000–1.000   │      3 │         0 │        – │              0.444 │
      │ photoholmes │ F1_weighted_v2                                │ 0.800 │ 0.000–1.000   │      3 │         0 │        – │              0.500 │
      └─────────────┴───────────────────────────────────────────────┴───────┴───────────────┴────────┴───────────┴──────────┴────────────────────┘
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "--protocol <name> shows the other measures of a protocol, and its quirks; --json everything.
      "
    `);
  });

  test('shows all measures and the quirks of a protocol that is named', async () => {
    const { code, stdout, stderr } = await forgelens(await mapsFolder(), ['score', 'maps', '--protocol', 'mpc']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "MPC: mean of the images at their own size, cut at 127 of 255
      ┌─────┬─────────┬───────┬───────────────┬────────┬───────────┬──────────┬────────────────────┐
      │ Set │ Measure │ Value │ 95 % interval │ Images │ Undefined │ Inverted │ Marking everything │
      ├─────┼─────────┼───────┼───────────────┼────────┼───────────┼──────────┼────────────────────┤
      │ a   │ F1      │ 1.000 │ –             │      1 │         0 │        – │              0.667 │
      │ a   │ IoU     │ 1.000 │ –             │      1 │         0 │        – │              0.500 │
      │ b   │ F1      │ 0.333 │ 0.000–0.667   │      2 │         0 │        – │              0.333 │
      │ b   │ IoU     │ 0.250 │ 0.000–0.500   │      2 │         0 │        – │              0.250 │
      │ all │ F1      │ 0.556 │ 0.000–1.000   │      3 │         0 │        – │              0.444 │
      │ all │ IoU     │ 0.500 │ 0.000–1.000   │      3 │         0 │        – │              0.333 │
      └─────┴─────────┴───────┴───────────────┴────────┴───────────┴──────────┴────────────────────┘
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "The map times 255 is cut at > 127, not at 127.5: the threshold is 0.498, although the map is not rounded to 8 bits.
      Where neither truth nor prediction has a tampered pixel, F1 is 0 and IoU is 1.
      The original adds 1e-6 to the union, which changes less than a millionth.
      Its lists hold tampered images only; an authentic image would count as an F1 of 0.
      Differs: The original takes the first channel of a mask; here it is the mean of the three.
      "
    `);
  });

  test('reports what evaluate reports, without looking at a picture, for any number of threads', async () => {
    const folder = await mapsFolder();
    const evaluated = await forgelens(folder, ['evaluate', '--data', 'data', '--split', 'dev', '--json']);
    const argv = ['score', 'maps', '--protocol', 'forgelens', '--json'];
    const scored = await forgelens(folder, argv);
    expect(scored.code).toBe(0);
    expect(JSON.parse(scored.stdout)).toEqual(JSON.parse(evaluated.stdout));
    expect((await forgelens(folder, [...argv, '--workers', '4'])).stdout).toBe(scored.stdout);
  });

  test('takes some of the sets', async () => {
    const { stdout } = await forgelens(await mapsFolder(), [
      'score',
      'maps',
      '--sets',
      'b',
      '--protocol',
      'sdpal',
      '--json',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      sets: { b: { samples: 2 } },
      protocols: [{ protocol: { name: 'sdpal' }, sets: { b: [{ name: 'F1', images: 2 }, {}, {}, {}, {}] } }],
      images: [{ id: 'alarmed.png' }, { id: 'half.png' }],
    });
  });

  test('compares folders of the same pictures', async () => {
    const folder = await mapsFolder();
    await forgelens(folder, [
      'evaluate',
      '--data',
      'data',
      '--split',
      'dev',
      '--out',
      'half',
      '--precision',
      'float16',
    ]);
    const { code, stdout } = await forgelens(folder, ['score', 'maps', 'half', '--protocol', 'mpc']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/│ maps +│ all +│ F1 .*\n.*│ half +│ all +│ F1 /);
    const reports = JSON.parse(
      (await forgelens(folder, ['score', 'maps', 'half', '-p', 'mpc', '--json'])).stdout,
    ) as unknown[];
    expect(reports).toHaveLength(2);
  });

  test('excludes a map that is not there, says so, and ends with 3', async () => {
    const folder = await mapsFolder();
    await rm(path.join(folder, 'maps/maps/a/found.png.npy'));
    const { code, stdout, stderr } = await forgelens(folder, ['score', 'maps', '--protocol', 'mpc', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ overall: { samples: 3, scored: 2, excluded: 1 } });
    expect(stderr.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "excluded: /maps/maps/a/found.png.npy: no such file
      "
    `);
  });

  test('refuses what is no folder of maps, is not complete, is of other pictures, and names that it does not know', async () => {
    const folder = await mapsFolder();
    const refuse = async (...argv: string[]) => {
      const { code, stderr } = await forgelens(folder, ['score', ...argv]);
      expect(code).toBe(2);
      return stderr.replaceAll(folder, '');
    };
    expect(await refuse('data')).toMatchInlineSnapshot(`
      "UsageError: no maps in /data: there is no evaluation.json; make them with "evaluate --out /data"
      "
    `);
    expect(await refuse('maps', '--protocol', 'truforr')).toMatchInlineSnapshot(`
      "UsageError: unknown protocol "truforr"; did you mean "trufor"? (protocols: all, forgelens, cdfl, sdpal, m2sformer, mpc, imdlbenco, trufor, safire, photoholmes)
      "
    `);
    expect(await refuse('maps', '--sets', 'c')).toMatchInlineSnapshot(`
      "UsageError: no set c in /maps (sets: a, b)
      "
    `);
    await forgelens(folder, ['evaluate', '--data', 'data', '--split', 'train', '--out', 'others']);
    expect(await refuse('maps', 'others')).toMatchInlineSnapshot(`
      "UsageError: /maps and /others are of different lists of pictures (manifests dd6b021bb2a6 and 72b4aa2b081b); score each by itself
      "
    `);
    const journal = path.join(folder, 'maps/images.jsonl');
    await writeFile(journal, (await readFile(journal, 'utf8')).split('\n').slice(0, -1).join('\n'));
    expect(await refuse('maps')).toMatchInlineSnapshot(`
      "UsageError: /maps has maps of 2 of 3 pictures; run its evaluation again to make the others
      "
    `);
  });

  test('has help with examples', async () => {
    expect((await forgelens('/', ['score', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens score [options] <folder...>

      Scores the maps that "forgelens evaluate --out" has kept, without a network. On the same maps the
      convention alone moves F1 by a factor of two and more: compare numbers of one protocol only, and
      each with its floor, what marking every pixel scores. Several folders are compared if they are of
      the same pictures.

      Arguments:
        folder                folders of maps

      Options:
        -p, --protocol <a,b>  "all", or some of forgelens, cdfl, sdpal, m2sformer, mpc, imdlbenco, trufor,
                              safire, photoholmes (default: ["all"])
        --sets <a,b>          take these sets only
        --workers <n>         threads; the numbers do not depend on it (default: 1)
        --report <file.html>  write the report of one folder as a page, with the best and worst pictures
        --csv <file.csv>      write the numbers of each picture of one folder
        --json                print one whole report, with every image, as JSON (a list of them for
                              several folders)
        -h, --help            display help for command

      Global Options:
        -V, --version         output the version number
        -q, --quiet           say nothing but results and problems
        --no-color            write without colours, as with NO_COLOR set

      Examples:
        $ forgelens evaluate --data dataset/index.csv --out maps && forgelens score maps
        $ forgelens score maps --protocol trufor,forgelens
        $ forgelens score maps --report report.html --csv pictures.csv
        $ forgelens score maps-of-one-model maps-of-another --json > reports.json
      "
    `);
  });
});
