import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { emptyMask, encodeMask, encodePng, filledImage } from '@forgelens/imaging';
import { describe, expect, test } from 'vitest';
import { forgelens, readJson, temporaryFolder } from './testing.ts';

const config = `
model: { id: unet, widths: [4, 8] }
steps: 4
batch: 2
size: 32
optimizer: { name: adamw, learningRate: 0.01 }
data: { index: index.csv, fit: resize, augment: false }
validation: { on: training, every: 2 }
checkpoint: { every: 1 }
`;

/** A folder with a configuration and two forgeries. */
async function prepared(): Promise<string> {
  const folder = await temporaryFolder();
  const mask = emptyMask(40, 30);
  mask.data.fill(1, 0, 300);
  const rows = [
    'split,set,image,mask,kind',
    'train,made_up,a.png,mask.png,splicing',
    'train,made_up,b.png,mask.png,splicing',
  ];
  await writeFile(path.join(folder, 'mask.png'), await encodeMask(mask));
  await writeFile(path.join(folder, 'a.png'), await encodePng(filledImage(40, 30, [200, 30, 30])));
  await writeFile(path.join(folder, 'b.png'), await encodePng(filledImage(40, 30, [30, 30, 200])));
  await writeFile(path.join(folder, 'index.csv'), rows.join('\n'));
  await writeFile(path.join(folder, 'tiny.yaml'), config);
  return folder;
}

test('train trains, says where things are, and goes on after an interruption', async () => {
  const folder = await prepared();
  const abort = new AbortController();
  abort.abort();
  const stopped = await forgelens(folder, ['train', 'tiny.yaml', '--threads', '1'], { signal: abort.signal });
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain(
    'Stopped after step 0, which is saved; go on with: forgelens train --resume runs/tiny',
  );

  const resumed = await forgelens(folder, ['train', '--resume', 'runs/tiny', '--threads', '1']);
  expect(resumed.code).toBe(0);
  expect(resumed.stdout).toContain('Trained all 4 steps; the last weights are runs/tiny/weights.safetensors.');
  expect(resumed.stdout).toMatch(/Best validation F1 \d\.\d{3} after step \d: runs\/tiny\/best\.safetensors\./);
  expect(resumed.stderr).toContain('there is no whole checkpoint yet: it starts again from step 0');
  expect(resumed.stderr).toMatch(
    /step 1\/4: loss \d\.\d{4}, learning rate 0\.0100, [\d.]+ images\/s, [\d.]+ minutes left/,
  );
  expect(resumed.stdout).toContain('The record is runs/tiny/metrics.jsonl, to be looked at: runs/tiny/run.html.');
  expect(await readJson(folder, 'runs/tiny/run.json')).toMatchObject({ ended: { step: 4, why: 'finished' } });
  const page = await readFile(path.join(folder, 'runs/tiny/run.html'), 'utf8');
  expect(page).toContain('finished after step 4');
  expect(page.match(/<figcaption>step \d<\/figcaption>/g)).toHaveLength(4);
});

test('train --json gives the result as data, --set and --data replace values', async () => {
  const folder = await prepared();
  const { code, stdout } = await forgelens(folder, [
    ...['train', 'tiny.yaml', '--set', 'steps=1', '--set', 'data.limit=1', '--data', path.join(folder, 'index.csv')],
    ...['--out', 'out', '--json', '--threads', '1'],
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ folder: 'out', step: 1, why: 'finished' });
  expect(await readJson(folder, 'out/run.json')).toMatchObject({ data: { counts: { trainTampered: 1 } } });
});

test('train --dry-run tells the plan and writes nothing', async () => {
  const folder = await prepared();
  const { code, stdout } = await forgelens(folder, ['train', 'tiny.yaml', '--dry-run', '--threads', '1']);
  expect(code).toBe(0);
  for (const line of [
    /^trained parameters +1,761$/m,
    /^train tampered +2$/m,
    /^steps per epoch +1$/m,
    /^learning rate +0\.01 at first, 0\.01 at most, 0\.01 at last \(constant\)$/m,
    /^weights and optimizer +0\.02\d* MiB$/m,
    /^activations +0\.\d+ MiB$/m,
    /^process memory +[\d,.]+ MiB$/m,
    /^seconds per step +0\.\d+$/m,
    /^hours +0[\d.]*$/m,
  ])
    expect(stdout).toMatch(line);
  expect((await readdir(folder)).sort()).toEqual(['a.png', 'b.png', 'index.csv', 'mask.png', 'tiny.yaml']);
});

describe('wrong usage ends with exit code 2 and one sentence', () => {
  test.each([
    [['train'], 'train: needs a configuration, as in configs/unet.yaml, or --resume <folder>'],
    [['train', 'none.yaml'], 'none.yaml: no such configuration'],
    [['train', 'tiny.yaml', '--set', 'stepz=1'], 'unknown key "stepz"; did you mean "steps"?'],
    [['train', 'tiny.yaml', '--resume', 'runs/x'], '--resume runs/x takes all from the run.json in it; leave out'],
    [['train', '--resume', 'runs/x'], 'holds no run.json; --resume needs the folder of a training'],
    [['train', 'tiny.yaml', '--data', 'none.csv'], 'none.csv: no such file or folder'],
  ])('%j', async (argv, sentence) => {
    const { code, stderr } = await forgelens(await prepared(), argv);
    expect(stderr).toContain(sentence);
    expect(code).toBe(2);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
