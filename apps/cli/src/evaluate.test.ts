import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodePng } from '@forgelens/imaging';
import { describe, expect, test } from 'vitest';
import { dataset, forgelens } from './testing.ts';

async function refuse(folder: string, argv: readonly string[]): Promise<string> {
  const { code, stderr } = await forgelens(folder, argv);
  expect(code).toBe(2);
  return stderr.replaceAll(folder, '');
}

describe('forgelens evaluate', () => {
  test('shows the scores of each set', async () => {
    const { code, stdout, stderr } = await forgelens(await dataset(), ['evaluate', '--data', 'data', '--split', 'dev']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Tampered pictures, at the fixed threshold 0.5: mean of the images / pooled pixels
      ┌─────┬────────┬──────────┬───────────────┬───────────────┬───────────────┬───────────────┬──────────────────────────┐
      │ Set │ Scored │ Excluded │ F1            │ IoU           │ Dice          │ AUC           │ F1 of marking everything │
      ├─────┼────────┼──────────┼───────────────┼───────────────┼───────────────┼───────────────┼──────────────────────────┤
      │ a   │      1 │        0 │ 1.000 / 1.000 │ 1.000 / 1.000 │ 1.000 / 1.000 │ 1.000 / 1.000 │ 0.667 / 0.667            │
      │ b   │      1 │        0 │ 0.667 / 0.667 │ 0.500 / 0.500 │ 0.667 / 0.667 │ 0.750 / 0.750 │ 0.667 / 0.667            │
      │ all │      2 │        0 │ 0.833 / 0.857 │ 0.750 / 0.750 │ 0.833 / 0.857 │ 0.875 / 0.875 │ 0.667 / 0.667            │
      └─────┴────────┴──────────┴───────────────┴───────────────┴───────────────┴───────────────┴──────────────────────────┘
      Authentic pictures: every flagged pixel is a false alarm
      ┌─────┬────────┬─────────────┬──────────────────┬───────────────────────────────┐
      │ Set │ Scored │ Specificity │ False-alarm area │ Pictures with a flagged pixel │
      ├─────┼────────┼─────────────┼──────────────────┼───────────────────────────────┤
      │ b   │      1 │       0.875 │           12.5 % │                             1 │
      │ all │      1 │       0.875 │           12.5 % │                             1 │
      └─────┴────────┴─────────────┴──────────────────┴───────────────────────────────┘
      "
    `);
    expect(stderr).toBe('');
  });

  test('reports as JSON what was measured and how', async () => {
    const argv = ['evaluate', '--data', 'data/index.csv', '--split', 'dev', '--sets', 'b', '--json'];
    const { code, stdout } = await forgelens(await dataset(), argv);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      software: { name: 'forgelens' },
      model: { id: 'brightness', weightsSha256: '0'.repeat(64), sizePolicy: 'native' },
      data: { path: 'data/index.csv', split: 'dev', sets: ['b'] },
      schemaVersion: 1,
      protocol: { name: 'forgelens', threshold: { value: 0.5, comparison: '>' } },
      manifestSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      sets: {
        b: {
          samples: 2,
          tampered: { f1: { perImage: 2 / 3, pooled: 2 / 3 } },
          authentic: { specificity: 7 / 8, imagesFlagged: 1 },
        },
      },
      excluded: [],
      images: [{ id: 'alarmed.png' }, { id: 'half.png' }],
    });
  });

  test('takes the first pictures of each set on request', async () => {
    const { stdout } = await forgelens(await dataset(), ['evaluate', '--data', 'data', '--limit', '1', '--json']);
    expect((JSON.parse(stdout) as { images: { id: string }[] }).images.map(({ id }) => id)).toEqual([
      'found.png',
      'half.png',
    ]);
  });

  test('excludes a picture whose mask has another size, says so, and ends with 3', async () => {
    const folder = await dataset();
    const { code, stdout, stderr } = await forgelens(folder, [
      'evaluate',
      '--data',
      'data',
      '--split',
      'odd',
      '--json',
    ]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ overall: { samples: 2, scored: 1, excluded: 1 } });
    expect(stderr.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "excluded: /data/wide.png: the mask is 9×8 but its image is 8×8; they must be equal
      "
    `);
  });

  test('refuses data that is not there, and sets and splits that the data does not have', async () => {
    const folder = await dataset();
    const refuse = async (...argv: string[]) => {
      const { code, stderr } = await forgelens(folder, ['evaluate', ...argv]);
      expect(code).toBe(2);
      return stderr.replaceAll(folder, '');
    };
    expect(await refuse()).toMatchInlineSnapshot(`
      "error: required option '-d, --data <index.csv|folder>' not specified
      "
    `);
    expect(await refuse('--data', 'nowhere')).toMatchInlineSnapshot(`
      "DataError: /nowhere: no such file or folder
      "
    `);
    expect(await refuse('--data', 'data', '--sets', 'a,x')).toMatchInlineSnapshot(`
      "UsageError: no set x in data (sets: a, b, c)
      "
    `);
    expect(await refuse('--data', 'data', '--split', 'test')).toMatchInlineSnapshot(`
      "UsageError: no picture left in data with split "test" (splits: dev, odd, train)
      "
    `);
    expect(await refuse('--data', 'data', '--model', 'brightness2')).toMatchInlineSnapshot(`
      "UsageError: unknown model "brightness2"; did you mean "brightness"? (models: brightness, unet)
      "
    `);
  });

  test('says when no picture is known to be tampered', async () => {
    const folder = await dataset();
    await mkdir(path.join(folder, 'plain'));
    await writeFile(
      path.join(folder, 'plain/a.png'),
      await encodePng({ width: 1, height: 1, data: Uint8Array.of(0, 0, 0) }),
    );
    const { code, stderr } = await forgelens(folder, ['evaluate', '--data', 'plain']);
    expect(code).toBe(0);
    expect(stderr).toMatchInlineSnapshot(`
      "No picture has a mask that marks tampering, so only false alarms could be measured.
      "
    `);
  });

  test('writes a page that needs nothing else, and the numbers of each picture', async () => {
    const folder = await dataset();
    const files = ['--report', 'report.html', '--csv', 'pictures.csv'];
    const evaluate = ['evaluate', '--data', 'data', '--split', 'dev', '--out', 'maps'];
    expect((await forgelens(folder, [...evaluate, ...files])).code).toBe(0);
    const page = await readFile(path.join(folder, 'report.html'), 'utf8');
    expect(page).toContain('--data data --split dev --out maps --report report.html');
    // Picture, truth and map of two tampered pictures and one false alarm.
    expect(page.match(/src="data:image/g)).toHaveLength(9);
    expect(await readFile(path.join(folder, 'pictures.csv'), 'utf8')).toMatch(/\r\na,found.png,1,32,0,0,32,1,1,1,/);
    expect((await forgelens(folder, [...evaluate, ...files])).stderr).toBe(
      'UsageError: report.html is there already; remove it, or choose another name with --report\n',
    );
    expect((await forgelens(folder, ['score', 'maps', '--report', 'again.html'])).code).toBe(0);
    const again = await readFile(path.join(folder, 'again.html'), 'utf8');
    expect(again.match(/src="data:image[^"]*"/g)).toEqual(page.match(/src="data:image[^"]*"/g));
    expect((await forgelens(folder, ['score', 'maps', 'maps', '--csv', 'x.csv'])).stderr).toBe(
      'UsageError: --report and --csv are of one folder; "forgelens compare" makes a page of several, from their reports\n',
    );
  });

  test('stops on Ctrl-C without a report', async () => {
    const stop = new AbortController();
    const { code, stdout, stderr } = await forgelens(await dataset(), ['evaluate', '--data', 'data'], {
      signal: stop.signal,
      look: () => stop.abort(),
    });
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: '', stderr: 'stopped\n' });
  });

  test('keeps maps on request, and goes on with them', async () => {
    const folder = await dataset();
    const argv = ['evaluate', '--data', 'data', '--split', 'dev', '--out', 'maps'];
    const looked: number[] = [0, 0];
    const first = await forgelens(folder, argv, { look: () => looked[0]!++ });
    expect(first.stderr).toMatchInlineSnapshot(`
      "The maps are in maps; "forgelens score maps" takes other numbers from them.
      "
    `);
    const second = await forgelens(folder, argv, { look: () => looked[1]!++ });
    expect(second).toEqual(first);
    expect(looked).toEqual([3, 0]);
    expect(await refuse(folder, [...argv, '--precision', 'float16'])).toMatchInlineSnapshot(`
      "UsageError: /maps holds maps of the precision float32, not float16; choose another folder with --out
      "
    `);
    expect(await refuse(folder, ['evaluate', '--data', 'data', '--out', 'data/found.png'])).toMatchInlineSnapshot(`
      "UsageError: cannot write to /data/found.png: it is a file; choose another folder with --out
      "
    `);
    expect(await refuse(folder, [...argv, '--dataset', 'nothing'])).toMatch('unknown data set "nothing"');
  });

  test('has help with examples', async () => {
    expect((await forgelens('/', ['evaluate', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens evaluate [options]

      Scores a model on pictures whose tampering is known, set by set: F1, IoU and Dice at the fixed
      threshold 0.5 (mean of the images, and of their pooled pixels), AUC from raw probabilities, and the
      false alarms on authentic pictures. With --out the maps are kept: "forgelens score" takes any other
      numbers from them, and an evaluation that was stopped goes on where it was.

      Options:
        -d, --data <index.csv|folder>  the pictures and their masks
        -m, --model <id|checkpoint>    a model of "forgelens models list", or a file (default:
                                       "brightness")
        --split <name>                 take this split of an index only
        --sets <a,b>                   take these sets only
        --limit <n>                    take the first n pictures of each set
        --dataset <name>               the published data set that the folder holds, as it is distributed
        -o, --out <folder>             keep the map of each picture there, and do not make again what is
                                       there
        --precision <type>             of the maps that are kept (choices: "float32", "float16", default:
                                       "float32")
        --report <file.html>           write the report as a page, with curves and the best and worst
                                       pictures
        --csv <file.csv>               write the numbers of each picture
        --json                         print the whole report, with every image, as JSON
        -h, --help                     display help for command

      Global Options:
        -V, --version                  output the version number
        -q, --quiet                    say nothing but results and problems
        --no-color                     write without colours, as with NO_COLOR set

      Examples:
        $ forgelens evaluate --data dataset/index.csv --split dev --report report.html
        $ forgelens evaluate --data dataset/index.csv --out maps && forgelens score maps
        $ forgelens evaluate --data casia --model runs/first/best.safetensors --json > report.json
      "
    `);
  });
});
