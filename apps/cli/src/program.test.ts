import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { software } from '@forgelens/localize';
import { describe, expect, test } from 'vitest';
import { forgelens } from './testing.ts';

const run = (...argv: string[]) => forgelens('/', argv);

describe('forgelens', () => {
  test('says what it is and what it can do', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: forgelens [options] [command]

      Finds where a picture was tampered with. Absence of a finding is not proof of authenticity.

      Options:
        -V, --version                        output the version number
        -q, --quiet                          say nothing but results and problems
        --no-color                           write without colours, as with NO_COLOR set
        -h, --help                           display help for command

      Commands:
        analyze [options] <inputs...>        show where pictures may have been tampered with
        report [options] <result.json>       make the report of a result again
        serve [options]                      answer over HTTP
        train [options] [config.yaml]        train a network
        evaluate [options]                   score a model on pictures whose tampering is known
        score [options] <folder...>          score maps that are there already, by the rules of any
                                             publication
        robustness [options]                 score a model on degraded pictures
        compare [options] <report.json...>   compare models on the same pictures
        reproduce [options] <paper> <table>  print a published table beside our own scores
        models                               list, describe, import and export models
        data                                 check data sets, list their files, split them
        synthesize [options] <photos>        make forgeries of photographs, with their masks
        help [command]                       display help for command

      Examples:
        $ forgelens analyze photo.jpg
        $ forgelens models list
        $ forgelens help analyze

      Exit codes: 0 ran, 1 a fault of the program, 2 wrong usage, 3 some inputs failed, 4 model or weights invalid.
      "
    `);
  });

  test('says its version, which is that of its package', async () => {
    const { code, stdout } = await run('--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^forgelens \d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/);
    const manifest = await readFile(path.join(import.meta.dirname, '../package.json'), 'utf8');
    expect(software.version).toBe((JSON.parse(manifest) as { version: string }).version);
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['analyse']],
    ['an unknown option', ['analyze', 'a.jpg', '--farce']],
    ['a missing argument', ['analyze']],
    ['a threshold that nothing is above', ['analyze', 'a.jpg', '--threshold', '1']],
    ['a limit of nothing', ['evaluate', '--data', 'x', '--limit', '0']],
  ])('ends with 2 on %s', async (_, argv) => {
    const { code, stdout } = await run(...argv);
    expect(code).toBe(2);
    expect(stdout).toBe('');
  });

  test('hints at what was probably meant', async () => {
    expect((await run('analyse')).stderr).toMatchInlineSnapshot(`
      "error: unknown command 'analyse'
      (Did you mean analyze?)
      "
    `);
    expect((await run('analyze', 'a.jpg', '--farce')).stderr).toMatchInlineSnapshot(`
      "error: unknown option '--farce'
      (Did you mean --force?)
      "
    `);
    expect((await run('analyze', 'a.jpg', '--threshold', '1')).stderr).toMatchInlineSnapshot(`
      "error: option '-t, --threshold <p>' argument '1' is invalid. It must be at least 0 and less than 1.
      "
    `);
  });
});

describe('forgelens models', () => {
  test('lists the models', async () => {
    const { code, stdout } = await run('models', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "┌──────────────────────┬────────────┬────────────┬──────────────────────┐
      │ Model                │ What it is │ Parameters │ Weights              │
      ├──────────────────────┼────────────┼────────────┼──────────────────────┤
      │ brightness (default) │ Brightness │ 0          │ 1.2 MB               │
      │ unet                 │ U-Net      │ 7.76 M     │ none: train it first │
      └──────────────────────┴────────────┴────────────┴──────────────────────┘
      "
    `);
  });

  test('shows a model card', async () => {
    expect((await run('models', 'info', 'brightness')).stdout).toMatchInlineSnapshot(`
      "Model                    brightness
      What it is               Brightness
      Source                   made for tests
      Parameters               0
      Input                    red, 0–255
      Size                     native
      Weights                  1,234,567 bytes, SHA-256 0000000000000000000000000000000000000000000000000000000000000000
      Licence                  none needed
      Multiply-adds at 256 px  0.00 G (Conv 0.00 G)
      Activations at 256 px    1.0 MB at a time, 1.3 MB in all
      On made-up               F1 0.500
      Limitation               It takes all that is bright for tampered.
      "
    `);
    expect((await run('models', 'info', 'unet')).stdout).toMatchInlineSnapshot(`
      "Model                    unet
      What it is               U-Net
      Source                   Ronneberger, Fischer and Brox 2015
      Parameters               7,763,041
      Input                    red, 0–255
      Size                     native
      Weights                  none come with it; train it first
      Multiply-adds at 256 px  0.00 G (Conv 0.00 G)
      Activations at 256 px    1.0 MB at a time, 1.3 MB in all
      Stated at 256 px         29.90 M parameters, 104.30 G (published: Nam et al. 2025, https://arxiv.org/abs/2506.20922, table of costs); ours is narrower: it has four resolutions of 64 to 512 channels
      "
    `);
  });

  test('gives the cards as JSON', async () => {
    const list = JSON.parse((await run('models', 'list', '--json')).stdout) as { id: string }[];
    expect(list.map(({ id }) => id)).toEqual(['brightness', 'unet']);
    expect(JSON.parse((await run('models', 'info', 'unet', '--json')).stdout)).toMatchObject({
      id: 'unet',
      weights: null,
    });
  });

  test('refuses an unknown model with the one that was probably meant', async () => {
    const { code, stderr } = await run('models', 'info', 'unett');
    expect(code).toBe(2);
    expect(stderr).toMatchInlineSnapshot(`
      "UsageError: unknown model "unett"; did you mean "unet"? (models: brightness, unet)
      "
    `);
  });

  test('has help', async () => {
    expect((await run('models', '--help')).stdout).toMatchInlineSnapshot(`
      "Usage: forgelens models [options] [command]

      Lists and describes models, imports official weights, and exports models as ONNX.

      Options:
        -h, --help                        display help for command

      Global Options:
        -V, --version                     output the version number
        -q, --quiet                       say nothing but results and problems
        --no-color                        write without colours, as with NO_COLOR set

      Commands:
        list [options]                    list the models
        info [options] <id>               show what is known of a model
        import [options] <file>           convert an official checkpoint of PyTorch
        export [options] <id|checkpoint>  write a model as ONNX
        help [command]                    display help for command

      Examples:
        $ forgelens models list
        $ forgelens models info brightness --size 512
        $ forgelens models import M2SFormer.pth --model m2sformer --out m2sformer.safetensors
        $ forgelens models export brightness --out brightness.onnx --precision float16
      "
    `);
  });
});
