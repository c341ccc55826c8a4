import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { forgelens, temporaryFolder } from './testing.ts';

/** A folder with the result of a black picture with a white patch. */
async function analyzed(...options: string[]): Promise<string> {
  const folder = await temporaryFolder();
  const data = new Uint8Array(100 * 80 * 3);
  for (let y = 40; y < 50; y++) data.fill(255, (y * 100 + 30) * 3, (y * 100 + 50) * 3);
  await sharp(data, { raw: { width: 100, height: 80, channels: 3 } }).toFile(path.join(folder, 'photo.png'));
  expect((await forgelens(folder, ['analyze', 'photo.png', ...options])).code).toBe(0);
  return folder;
}
const result = 'forgelens-out/photo.png.json';
const page = (folder: string, name = 'forgelens-out/photo.png.html') => readFile(path.join(folder, name), 'utf8');

describe('forgelens report', () => {
  test('makes the page that analyze made, from the files', async () => {
    const folder = await analyzed();
    const { code, stdout } = await forgelens(folder, ['report', result, '--out', 'again.html']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'again.html\n' });
    expect(await page(folder, 'again.html')).toBe(await page(folder));
  });

  test('writes beside the result unless another place is named, and finds a picture that has moved', async () => {
    const folder = await analyzed('--no-report');
    await rename(path.join(folder, 'photo.png'), path.join(folder, 'moved.png'));
    const { stdout, stderr } = await forgelens(folder, ['report', result]);
    expect(stdout).toBe('forgelens-out/photo.png.html\n');
    expect(stderr).toMatchInlineSnapshot(`
      "photo.png is not there as it was; the report shows its map only (name it with --picture)
      "
    `);
    const without = await page(folder);
    expect((await forgelens(folder, ['report', result, '--picture', 'moved.png'])).stderr).toBe('');
    expect((await page(folder)).length).toBeGreaterThan(without.length);
  });

  test('refuses what does not belong together', async () => {
    const folder = await analyzed('--no-report');
    const refusal = async (...args: string[]) => {
      const { code, stderr } = await forgelens(folder, ['report', ...args]);
      return `${code} ${stderr.replaceAll(/[0-9a-f]{64}/g, '<hash>')}`;
    };
    await writeFile(path.join(folder, 'other.json'), '{}');
    expect([
      await refusal('missing.json'),
      await refusal('other.json'),
      await refusal(result, '--picture', 'missing.png'),
      await refusal(result, '--picture', result),
      await refusal(result, '--out', 'photo.png'),
    ]).toMatchInlineSnapshot(`
      [
        "2 UsageError: missing.json: no such result; make one with "forgelens analyze"
      ",
        "2 DataError: other.json: not a result of forgelens analyze: schemaVersion: Invalid input: expected 2
      ",
        "2 UsageError: no such file: missing.png
      ",
        "2 UsageError: forgelens-out/photo.png.json is not the picture of this result: its SHA-256 is not <hash>
      ",
        "2 UsageError: photo.png is there already; remove it, or choose another name with --out
      ",
      ]
    `);
    await appendFile(path.join(folder, 'forgelens-out/photo.png.map.png'), 'x');
    expect(await refusal(result)).toMatchInlineSnapshot(`
      "2 DataError: forgelens-out/photo.png.map.png: is not the map that forgelens-out/photo.png.json was written with (another SHA-256); analyze the picture again
      "
    `);
  });

  test('has help with examples', async () => {
    expect((await forgelens('/', ['report', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens report [options] <result.json>

      Makes the report of a result of "forgelens analyze": one file that opens offline and prints. It is
      made of the result, its maps and the picture, and only of those: files that are not what they were
      are refused.

      Arguments:
        result.json            a result of "forgelens analyze", with its maps beside it

      Options:
        -p, --picture <file>   the picture, where it is not at the place that the result names
        -o, --out <file.html>  where to write it, unless beside the result
        -h, --help             display help for command

      Global Options:
        -V, --version          output the version number
        -q, --quiet            say nothing but results and problems
        --no-color             write without colours, as with NO_COLOR set

      Examples:
        $ forgelens report forgelens-out/photo.jpg.json
        $ forgelens report forgelens-out/photo.jpg.json --picture archive/photo.jpg --out photo.html
      "
    `);
  });
});
