// cspell:ignore brighness
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readSafetensors } from '@forgelens/autograd';
import { officialCheckpoint } from '@forgelens/models/testing';
import { describe, expect, test } from 'vitest';
import { forgelens, temporaryFolder } from './testing.ts';

/** What it says of a file that wants to run something; made by tools/golden/pytorch.py. */
const malicious = new URL('../../../packages/autograd/src/fixtures/os-system.pth', import.meta.url);

async function folderWithCheckpoints(): Promise<string> {
  const folder = await temporaryFolder();
  await copyFile(officialCheckpoint, path.join(folder, 'official.pth'));
  await copyFile(malicious, path.join(folder, 'malicious.pth'));
  const bytes = await readFile(officialCheckpoint);
  await writeFile(path.join(folder, 'truncated.pth'), bytes.subarray(0, 2000));
  return folder;
}

describe('models import', () => {
  test('converts an official checkpoint, and keeps its names', async () => {
    const folder = await folderWithCheckpoints();
    const argv = ['models', 'import', 'official.pth', '--model', 'brightness', '--out', 'a.safetensors'];
    expect(await forgelens(folder, argv)).toEqual({
      code: 0,
      stdout: 'a.safetensors: 67 numbers in 8 tensors of brightness, 0.0 MB\n',
      stderr:
        'Use it with --model a.safetensors; whose weights they are, and under what licence, is not stated in it.\n',
    });
    const { tensors, metadata } = readSafetensors(await readFile(path.join(folder, 'a.safetensors')));
    expect([...tensors.keys()].slice(0, 3)).toEqual(['0.weight', '0.bias', '1.weight']);
    expect(metadata).toMatchObject({ model: '{"id":"brightness"}', names: 'official' });
    expect(metadata['importedFrom']).toMatch(/^official\.pth, SHA-256 [0-9a-f]{64}$/);
  });

  test('refuses in one sentence what it cannot convert, and writes and runs nothing', async () => {
    const folder = await folderWithCheckpoints();
    const before = await readdir(folder);
    const run = async (file: string, model = 'brightness', out = 'a.safetensors') => {
      const { code, stdout, stderr } = await forgelens(folder, ['models', 'import', file, '-m', model, '-o', out]);
      return `${code} ${stdout}${stderr}`;
    };
    expect([
      await run('malicious.pth'),
      await run('truncated.pth'),
      await run('nothing.pth'),
      await run('official.pth', 'brighness'),
      await run('official.pth', 'unet'),
      await run('official.pth', 'brightness', 'official.pth'),
      await run('official.pth', 'brightness', 'nowhere/a.safetensors'),
    ]).toMatchInlineSnapshot(`
      [
        "4 CheckpointError: malicious.pth: names posix.system, which is no plain container or tensor, so nothing of it was read or run; save only the state_dict
      ",
        "4 CheckpointError: truncated.pth: is a zip archive that is cut off or damaged; copy it again
      ",
        "2 UsageError: no such file: nothing.pth
      ",
        "2 UsageError: unknown model "brighness"; did you mean "brightness"? (models: brightness, unet)
      ",
        "2 UsageError: model "unet" has no official checkpoint (models that have one: brightness)
      ",
        "2 UsageError: official.pth is there already; remove it, or choose another name with --out
      ",
        "2 UsageError: no folder for nowhere/a.safetensors; make it, or choose another with --out
      ",
      ]
    `);
    expect(await readdir(folder)).toEqual(before);
  });

  test('has help', async () => {
    expect((await forgelens('/', ['models', 'import', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens models import [options] <file>

      Converts an official checkpoint of PyTorch (.pth, .pt, .pth.tar) to .safetensors, which keeps the
      official names of the parameters and which every command takes as a model. Nothing in the checkpoint
      is run. Every tensor must fit; numbers are stored as float32, or as float16 where they were.

      Arguments:
        file                          the checkpoint

      Options:
        -m, --model <id>              the network that it is of
        -o, --out <file.safetensors>  where it is written
        -h, --help                    display help for command

      Global Options:
        -V, --version                 output the version number
        -q, --quiet                   say nothing but results and problems
        --no-color                    write without colours, as with NO_COLOR set

      Examples:
        $ forgelens models import M2SFormer.pth --model m2sformer --out m2sformer.safetensors
        $ forgelens analyze photo.jpg --model m2sformer.safetensors
      "
    `);
  });
});

describe('models export', () => {
  test('writes ONNX that was compared with the model', async () => {
    const folder = await temporaryFolder();
    const run = (...argv: string[]) => forgelens(folder, ['models', 'export', 'brightness', ...argv]);
    expect(await run('--out', 'a.onnx', '--size', '8')).toEqual({
      code: 0,
      stdout:
        "a.onnx: brightness for images of 8 × 8 px, float32, 0.0 MB; its probabilities differ from the model's by at most 0\n",
      stderr: '',
    });
    const half = await run('--out', 'b.onnx', '--precision', 'float16');
    expect(half.stdout).toMatch(/^b\.onnx: brightness for images of 256 × 256 px, float16, .* at most \d\.\de-[45]\n$/);
    expect(await readdir(folder)).toEqual(['a.onnx', 'b.onnx']);
  });

  test('refuses in one sentence what it cannot export, and writes nothing', async () => {
    const folder = await temporaryFolder();
    const run = async (model: string, ...argv: string[]) => {
      const { code, stdout, stderr } = await forgelens(folder, ['models', 'export', model, ...argv]);
      return `${code} ${stdout}${stderr}`;
    };
    expect([
      await run('brighness', '--out', 'a.onnx'),
      await run('broken.safetensors', '--out', 'a.onnx'),
      await run('brightness', '--out', '.'),
      await run('brightness', '--out', 'a.onnx', '--size', '0'),
      await run('brightness', '--out', 'a.onnx', '--size', '7'),
      await run('brightness', '--out', 'a.onnx', '--precision', 'int8'),
    ]).toMatchInlineSnapshot(`
      [
        "2 UsageError: unknown model "brighness"; did you mean "brightness"? (models: brightness, unet)
      ",
        "4 CheckpointError: broken.safetensors: missing head.weight [1, 16, 1, 1]; 1 of 40 names does not fit
      ",
        "2 UsageError: . is there already; remove it, or choose another name with --out
      ",
        "2 error: option '--size <px>' argument '0' is invalid. It must be a whole number above 0.
      ",
        "2 UsageError: --size 7: Small: height and width must be even, got 7×7; pad the image first
      ",
        "2 error: option '--precision <name>' argument 'int8' is invalid. Allowed choices are float32, float16.
      ",
      ]
    `);
    expect(await readdir(folder)).toEqual([]);
  });

  test('has help', async () => {
    expect((await forgelens('/', ['models', 'export', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens models export [options] <id|checkpoint>

      Writes a model as an ONNX file of standard operators that says what it is: image [1, 3, H, W], RGB
      in [0, 1], in; probabilities of tampering [1, 1, H, W] out. Before it is written, it is run and
      compared with the model.

      Arguments:
        id|checkpoint          a model of "forgelens models list", or a file

      Options:
        -o, --out <file.onnx>  where it is written
        --precision <name>     how weights are stored; float16 takes half the space, and runs as float32
                               (choices: "float32", "float16", default: "float32")
        --size <px>            height and width of the image (default: the size that the model resizes to,
                               or 256)
        -h, --help             display help for command

      Global Options:
        -V, --version          output the version number
        -q, --quiet            say nothing but results and problems
        --no-color             write without colours, as with NO_COLOR set

      Examples:
        $ forgelens models export brightness --out brightness.onnx --size 512
        $ forgelens models export runs/first/best.safetensors --out first.onnx --precision float16
      "
    `);
  });
});

describe('models info', () => {
  test('counts what a model takes at any size', async () => {
    const { code, stdout } = await forgelens('/', ['models', 'info', 'brightness', '--size', '100', '--json']);
    expect(code).toBe(0);
    const { cost } = JSON.parse(stdout) as { cost: unknown };
    expect(cost).toEqual({
      parameters: 63,
      size: 100,
      multiplyAdds: { Conv: 100 * 100 * (2 * 3 * 9 + 2) },
      // Two channels before and after the norm, and of one of logits.
      activationBytes: { peak: 4 * 4 * 100 * 100, sum: 5 * 4 * 100 * 100 },
      stated: [],
    });
  });

  test('refuses a size that does not suit the model', async () => {
    expect(await forgelens('/', ['models', 'info', 'brightness', '--size', '7'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'UsageError: --size 7: Small: height and width must be even, got 7×7; pad the image first\n',
    });
  });

  test('shows what others state beside it', async () => {
    const { stdout } = await forgelens('/', ['models', 'info', 'unet']);
    expect(stdout).toMatch(
      /^Stated at 256 px +29\.90 M parameters, 104\.30 G \(published: .*\); ours is narrower: .*$/m,
    );
  });

  test('says what it counts', async () => {
    expect((await forgelens('/', ['models', 'info', '--help'])).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens models info [options] <id>

      Shows what is known of a model: its input, its weights, what it scored, and what it takes.
      Multiply-adds are those of convolutions and matrix products; activations are what is computed on the
      way, without the weights.

      Arguments:
        id             the id of a model

      Options:
        --size <px>    height and width of the image that the cost is counted for (default: 256)
        --json         print the model card and the cost as JSON
        -h, --help     display help for command

      Global Options:
        -V, --version  output the version number
        -q, --quiet    say nothing but results and problems
        --no-color     write without colours, as with NO_COLOR set
      "
    `);
  });
});
