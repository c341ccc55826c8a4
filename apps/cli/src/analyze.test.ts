import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Analysis } from '@forgelens/analysis';
import { decodeMap16 } from '@forgelens/imaging';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { forgelens, readJson, temporaryFolder } from './testing.ts';

/** A black picture of 100×80 with a white patch of 20×10 at (30, 40). */
function patched() {
  const data = new Uint8Array(100 * 80 * 3);
  for (let y = 40; y < 50; y++) data.fill(255, (y * 100 + 30) * 3, (y * 100 + 50) * 3);
  return sharp(data, { raw: { width: 100, height: 80, channels: 3 } });
}

/** A folder with the named pictures in it, all the same. */
async function folderWith(...names: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await patched().toFile(path.join(folder, name));
  }
  return folder;
}

const result = (...parts: string[]) => readJson(...parts) as Promise<Analysis>;

describe('forgelens analyze', () => {
  test('writes the map, the overlay and the result, and says where they are', async () => {
    const folder = await folderWith('photo.png');
    const { code, stdout, stderr } = await forgelens(folder, ['analyze', 'photo.png']);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\d\.\d\d │/g, 's.ss │')).toMatchInlineSnapshot(`
      "┌───────────┬───────┬──────────────┬─────────┬─────────┬──────────────────────────────┐
      │ Picture   │ Score │ Flagged area │ Regions │ Seconds │ Report                       │
      ├───────────┼───────┼──────────────┼─────────┼─────────┼──────────────────────────────┤
      │ photo.png │ 1.000 │        2.5 % │       1 │    s.ss │ forgelens-out/photo.png.html │
      └───────────┴───────┴──────────────┴─────────┴─────────┴──────────────────────────────┘
      For each picture there is in forgelens-out: a report to open (.html), the map over it (.overlay.png), the map itself (.map.png), maps of other evidence (.evidence) and all numbers (.json).
      A score is a reason to look, not a verdict. Absence of a finding is not proof of authenticity.
      "
    `);
    expect(stderr).toMatchInlineSnapshot(`
      "1 picture analyzed, 0 skipped, 0 failed
      "
    `);
    const { input, maps, evidence } = await result(folder, 'forgelens-out/photo.png.json');
    const evidenceMaps = evidence!.flatMap(({ map }) => map?.file ?? []);
    expect(evidenceMaps).toContain('photo.png.evidence/error-level.png');
    const files = await readdir(path.join(folder, 'forgelens-out'), { recursive: true });
    expect(files.sort()).toEqual(
      [
        ...['photo.png.evidence', 'photo.png.html', 'photo.png.json', 'photo.png.map.png', 'photo.png.overlay.png'],
        ...evidenceMaps,
      ].sort(),
    );
    const map = await decodeMap16(await readFile(path.join(folder, 'forgelens-out/photo.png.map.png')), 'map');
    expect(map).toMatchObject({ width: 100, height: 80 });
    expect([map.probabilities[0], map.probabilities[45 * 100 + 40]]).toEqual([0, 1]);
    expect(await readFile(path.join(folder, 'forgelens-out/photo.png.json'), 'utf8')).toContain('[30, 40, 20, 10]');
    expect(input).toMatchObject({ name: 'photo.png', format: 'png', width: 100, height: 80, orientation: 1 });
    expect(input.bytes).toBe((await stat(path.join(folder, 'photo.png'))).size);
    expect([maps.map.file, maps.overlay.file]).toEqual(['photo.png.map.png', 'photo.png.overlay.png']);
  });

  test('keeps the paths within a folder, and prints the list as JSON', async () => {
    const folder = await folderWith('photos/a.png', 'photos/trip/b.jpg');
    const { code, stdout } = await forgelens(folder, ['analyze', 'photos', '--out', 'results', '--json', '--quiet']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      results: [
        expect.objectContaining({ path: 'photos/a.png', overlay: 'results/a.png.overlay.png', skipped: false }),
        expect.objectContaining({ path: 'photos/trip/b.jpg', result: 'results/trip/b.jpg.json', regions: 1, score: 1 }),
      ],
      failed: [],
    });
  });

  test('takes globs, takes each picture once, and leaves its own output alone', async () => {
    const folder = await folderWith('a.png', 'x/B.JPG', 'x/y/c.jpg', 'x/[1].jpg');
    const names = async (...args: string[]) => {
      const { stdout } = await forgelens(folder, ['analyze', ...args, '--json', '--quiet']);
      return (JSON.parse(stdout) as { results: { path: string }[] }).results.map(({ path: name }) => name);
    };
    expect(await names('x/**/*.jpg', 'x', 'x/B.JPG')).toEqual(['x/B.JPG', 'x/[1].jpg', 'x/y/c.jpg']);
    expect(await names('x/[1].jpg')).toEqual(['x/[1].jpg']);
    expect(await names('.')).toEqual(['a.png', 'x/B.JPG', 'x/[1].jpg', 'x/y/c.jpg']);
    expect(await names('x/y', '--out', 'x/y')).toEqual(['x/y/c.jpg']);
    expect(await names('x/y', '--out', 'x/y')).toEqual(['x/y/c.jpg']);
  });

  test('gives pictures of one name different results', async () => {
    const folder = await folderWith('x/a.png', 'y/a.png', 'z/a.png');
    await forgelens(folder, ['analyze', 'x', 'y']);
    const out = path.join(folder, 'forgelens-out');
    expect((await result(out, 'a.png.json')).input.name).toBe('x/a.png');
    expect(await result(out, 'a-2.png.json')).toMatchObject({
      input: { name: 'y/a.png' },
      maps: { map: { file: 'a-2.png.map.png' }, overlay: { file: 'a-2.png.overlay.png' } },
    });
    // Another picture in a later run does not take the place either.
    await patched().negate().toFile(path.join(folder, 'z/a.png'));
    await forgelens(folder, ['analyze', 'z']);
    expect((await result(out, 'a.png.json')).input.name).toBe('x/a.png');
    expect((await result(out, 'a-3.png.json')).input.name).toBe('z/a.png');
  });

  test('never replaces a file that is not its own', async () => {
    const folder = await folderWith('a.png');
    const notes = path.join(folder, 'forgelens-out/a.png.json');
    await mkdir(path.dirname(notes));
    await writeFile(notes, '{"mine": true}');
    await forgelens(folder, ['analyze', 'a.png']);
    expect(await readFile(notes, 'utf8')).toBe('{"mine": true}');
    expect((await result(folder, 'forgelens-out/a-2.png.json')).input.name).toBe('a.png');
  });

  test('skips finished work and says so, and does it again when anything differs', async () => {
    const folder = await folderWith('a.png', 'b.png');
    const looked = async (...options: string[]) => {
      let n = 0;
      const { code, stdout, stderr } = await forgelens(folder, ['analyze', '.', ...options], { look: () => n++ });
      expect(code).toBe(0);
      return { n, stdout, stderr };
    };
    expect((await looked()).n).toBe(2);
    await rm(path.join(folder, 'forgelens-out/a.png.html'));
    const again = await looked();
    expect(again.n).toBe(0);
    expect(await readdir(path.join(folder, 'forgelens-out'))).toContain('a.png.html');
    expect(again.stdout).toContain('done before');
    expect(again.stderr).toMatchInlineSnapshot(`
      "2 pictures had been done before (--force does finished work again)
      0 pictures analyzed, 2 skipped, 0 failed
      "
    `);
    expect((await looked('--force')).n).toBe(2);
    expect((await looked('--threshold', '0.7')).n).toBe(2);
    await patched().negate().toFile(path.join(folder, 'a.png'));
    expect((await looked('--threshold', '0.7')).n).toBe(1);
    expect((await looked('--threshold', '0.7', '--no-evidence')).n).toBe(2);
    const files = await readdir(path.join(folder, 'forgelens-out'));
    expect(files.filter(file => file.endsWith('.json'))).toHaveLength(2);
  });

  test('stops in the middle of a picture on Ctrl-C, keeps what is done, leaves nothing half done, and ends with 130', async () => {
    const folder = await folderWith('a.png', 'b.png', 'c.png');
    const stop = new AbortController();
    let n = 0;
    const { code, stdout, stderr } = await forgelens(folder, ['analyze', '.', '--json', '--no-evidence'], {
      signal: stop.signal,
      look: () => ++n === 2 && stop.abort(),
    });
    expect(code).toBe(130);
    expect((JSON.parse(stdout) as { results: { path: string }[] }).results.map(r => r.path)).toEqual(['a.png']);
    expect(stderr).toContain('stopped with 2 to do');
    expect((await readdir(path.join(folder, 'forgelens-out'))).sort()).toEqual(
      ['a.png.html', 'a.png.json', 'a.png.map.png', 'a.png.overlay.png'].sort(),
    );
  });

  test('has help with examples', async () => {
    expect((await forgelens('/', ['analyze', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens analyze [options] <inputs...>

      Shows where pictures may have been tampered with. For each one it writes a report to read (.html), a
      map of 16 bits (.map.png), the map over the picture (.overlay.png), maps of other evidence
      (.evidence) and everything that is known (.json).
      Absence of a finding is not proof of authenticity.

      Arguments:
        inputs                       files, folders (with the folders within) and globs

      Options:
        -o, --out <folder>           where results are written (default: "forgelens-out")
        -m, --model <id|checkpoint>  a model of "forgelens models list", or a file (default: "brightness")
        -t, --threshold <p>          flag pixels whose probability is greater (default: 0.5)
        --no-evidence                look with the network only, not for other evidence
        --no-report                  write no reports
        --force                      do finished work again
        --json                       print the list of results as JSON
        -h, --help                   display help for command

      Global Options:
        -V, --version                output the version number
        -q, --quiet                  say nothing but results and problems
        --no-color                   write without colours, as with NO_COLOR set

      Examples:
        $ forgelens analyze photo.jpg
        $ forgelens analyze photos --out results
        $ forgelens analyze 'photos/**/*.jpg' --threshold 0.7 --json > results.json
      "
    `);
  });
});

describe('forgelens analyze refuses', () => {
  test('an empty folder, a missing file and a glob that matches nothing', async () => {
    const folder = await folderWith('a.png');
    await mkdir(path.join(folder, 'empty'));
    const refuse = async (input: string) => {
      const { code, stdout, stderr } = await forgelens(folder, ['analyze', 'a.png', input]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await refuse('empty')).toMatchInlineSnapshot(`
      "UsageError: no picture in the folder empty; looked for files ending in .jpg, .jpeg, .png, .webp, .tif, .tiff, .gif, .bmp, .avif, .heic, .heif
      "
    `);
    expect(await refuse('missing.jpg')).toMatchInlineSnapshot(`
      "UsageError: no such file or folder: missing.jpg
      "
    `);
    expect(await refuse('*.tiff')).toMatchInlineSnapshot(`
      "UsageError: nothing matches *.tiff
      "
    `);
    expect(await readdir(folder)).not.toContain('forgelens-out');
  });

  test('an unknown model', async () => {
    const folder = await folderWith('a.png');
    const { code, stderr } = await forgelens(folder, ['analyze', 'a.png', '--model', 'unett']);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual(['a.png']);
    expect(stderr).toMatchInlineSnapshot(`
      "UsageError: unknown model "unett"; did you mean "unet"? (models: brightness, unet)
      "
    `);
  });

  test('weights that do not fit', async () => {
    const folder = await folderWith('a.png');
    const { code, stderr } = await forgelens(folder, ['analyze', 'a.png', '--model', 'broken.safetensors']);
    expect(code).toBe(4);
    expect(stderr).toMatchInlineSnapshot(`
      "CheckpointError: broken.safetensors: missing head.weight [1, 16, 1, 1]; 1 of 40 names does not fit
      "
    `);
  });

  test('an output folder that cannot be written, before it looks at any picture', async () => {
    const folder = await folderWith('a.png');
    const look = () => expect.unreachable('it looked at a picture');
    const { code, stderr } = await forgelens(folder, ['analyze', 'a.png', '--out', 'a.png/results'], { look });
    expect(code).toBe(2);
    expect(stderr.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "UsageError: cannot write to /a.png/results: a part of the path is a file; choose another folder with --out
      "
    `);
    const onFile = await forgelens(folder, ['analyze', 'a.png', '--out', 'a.png'], { look });
    expect(onFile.code).toBe(2);
    expect(onFile.stderr.replaceAll(folder, '')).toMatchInlineSnapshot(`
      "UsageError: cannot write to /a.png: it is a file; choose another folder with --out
      "
    `);
    // Where the parent is there and still no folder can be made, Node's recursive mkdir never returns.
    if (process.platform !== 'linux') return;
    const denied = await forgelens(folder, ['analyze', 'a.png', '--out', '/proc/nowhere'], { look });
    expect(denied.stderr).toBe(
      'UsageError: cannot write to /proc/nowhere: no folder can be made there; choose another folder with --out\n',
    );
  });
});

describe('forgelens analyze takes any picture', () => {
  /** Writes one file, looks at it, and gives its result. */
  async function analyzeFile(name: string, bytes: Uint8Array): Promise<Analysis> {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, name), bytes);
    const { code, stderr } = await forgelens(folder, ['analyze', name, '--no-evidence', '--no-report']);
    expect(code, stderr).toBe(0);
    return result(folder, 'forgelens-out', `${name}.json`);
  }

  test('of a single pixel', async () => {
    const { input, warnings, regions } = await analyzeFile('one.png', await patched().resize(1, 1).png().toBuffer());
    expect(input).toMatchObject({ width: 1, height: 1 });
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The picture is only 1×1 pixels; under 64 on a side there is too little to go by.",
      ]
    `);
    expect(regions).toEqual([]);
  });

  test('with 16 bits a channel', async () => {
    const bytes = await patched().toColourspace('rgb16').png().toBuffer();
    const { regions, warnings } = await analyzeFile('deep.png', bytes);
    expect(regions[0]!.bbox).toEqual([30, 40, 20, 10]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The file has 16 bits a channel; the upper 8 were looked at.",
      ]
    `);
  });

  test('in grey', async () => {
    const { regions, warnings } = await analyzeFile('grey.png', await patched().toColourspace('b-w').png().toBuffer());
    expect(regions[0]!.bbox).toEqual([30, 40, 20, 10]);
    expect(warnings).toEqual([]);
  });

  test('with transparency', async () => {
    const { regions, warnings } = await analyzeFile('alpha.png', await patched().ensureAlpha(0.5).png().toBuffer());
    expect(regions[0]!.bbox).toEqual([30, 40, 20, 10]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The file has transparency, which was ignored.",
      ]
    `);
  });

  test('in CMYK', async () => {
    const bytes = await sharp(await patched().png().toBuffer())
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const { areaFraction, input, warnings } = await analyzeFile('print.jpg', bytes);
    expect(input.format).toBe('jpeg');
    expect(areaFraction).toBeCloseTo(200 / 8000, 2);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The file is in CMYK and was converted to RGB, which weakens traces.",
      ]
    `);
  });

  test('turned by its EXIF orientation', async () => {
    const bytes = await sharp(await patched().png().toBuffer())
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { input, regions, warnings } = await analyzeFile('phone.png', bytes);
    expect(input).toMatchObject({ width: 80, height: 100, orientation: 6 });
    // Turned by 90° clockwise: x' = 80 − 40 − 10, y' = 30.
    expect(regions[0]!.bbox).toEqual([30, 30, 10, 20]);
    expect(warnings).toMatchInlineSnapshot(`
      [
        "The EXIF orientation (6) was applied; the maps show the picture upright.",
      ]
    `);
  });

  test('of 50 megapixels', async () => {
    const bytes = await sharp({ create: { width: 10_000, height: 5_000, channels: 3, background: 'black' } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    expect((await analyzeFile('large.png', bytes)).input).toMatchObject({ width: 10_000, height: 5_000 });
  }, 180_000);
});

describe('forgelens analyze does the other pictures', () => {
  test('when some are broken, and names those in a sentence each', async () => {
    const folder = await folderWith('good.png');
    const jpeg = await sharp({
      create: {
        width: 300,
        height: 300,
        channels: 3,
        background: 'grey',
        noise: { type: 'gaussian', mean: 128, sigma: 30 },
      },
    })
      .jpeg()
      .toBuffer();
    await writeFile(path.join(folder, 'truncated.jpg'), jpeg.subarray(0, jpeg.length / 2));
    await writeFile(path.join(folder, 'text.jpg'), 'This is a text.');
    await writeFile(path.join(folder, 'empty.png'), '');
    const { code, stdout, stderr } = await forgelens(folder, ['analyze', '.', '--json']);
    expect(code).toBe(3);
    expect((JSON.parse(stdout) as { results: { path: string }[] }).results.map(r => r.path)).toEqual(['good.png']);
    expect((JSON.parse(stdout) as { failed: unknown[] }).failed).toHaveLength(3);
    expect(stderr).toMatchInlineSnapshot(`
      "failed: empty.png: not a readable image (the file is empty)
      failed: text.jpg: not a readable image (Input buffer contains unsupported image format)
      failed: truncated.jpg: not a readable image (VipsJpeg: premature end of JPEG image)
      1 picture analyzed, 0 skipped, 3 failed
      "
    `);
  });

  test('when the program itself fails on one, and ends with 1', async () => {
    const folder = await folderWith('a.png', 'b.png');
    let n = 0;
    const look = () => {
      if (n++ === 0) throw new Error('out of memory');
    };
    const { code, stdout, stderr } = await forgelens(folder, ['analyze', '.', '--json'], { look });
    expect(code).toBe(1);
    expect((JSON.parse(stdout) as { results: { path: string }[] }).results.map(r => r.path)).toEqual(['b.png']);
    expect(stderr).toContain('a.png: Error: out of memory\n    at ');
  });
});
