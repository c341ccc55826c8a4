import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { forgelens, temporaryFolder } from './testing.ts';

test('forgelens serve refuses keys that are none, an unknown model and a port that is none, before it listens', async () => {
  const folder = await temporaryFolder();
  const refusal = async (...args: string[]) => {
    const { code, stdout, stderr } = await forgelens(folder, ['serve', ...args]);
    expect(stdout).toBe('');
    return `${code} ${stderr}`;
  };
  await writeFile(path.join(folder, 'empty.txt'), '\n');
  await writeFile(path.join(folder, 'short.txt'), 'secret\nanother-key-that-is-long\n');
  expect([
    await refusal('--keys', 'missing.txt'),
    await refusal('--keys', 'empty.txt'),
    await refusal('--keys', 'short.txt'),
    await refusal('--model', 'unett'),
    await refusal('--port', '70000'),
  ]).toMatchInlineSnapshot(`
    [
      "2 UsageError: cannot read the API keys in missing.txt; make it with one key a line
    ",
      "2 UsageError: no API key in empty.txt; write one a line
    ",
      "2 UsageError: 1 of 2 API keys in short.txt have under 16 characters; take longer ones
    ",
      "2 UsageError: unknown model "unett"; did you mean "unet"? (models: brightness, unet)
    ",
      "2 error: option '-p, --port <n>' argument '70000' is invalid. It must be a number from 0 to 65535.
    ",
    ]
  `);
});

test('forgelens serve has help with examples', async () => {
  expect((await forgelens('/', ['serve', '--help'])).stdout).toMatchInlineSnapshot(`
    "Usage: forgelens serve [options]

    Looks at pictures that are sent over HTTP: POST /v1/analyses. Results are kept for a while, in
    memory unless told otherwise. SIGTERM and Ctrl-C end what was begun first. docs/server.md tells the
    rest.

    Options:
      -m, --model <id|checkpoint>  a model of "forgelens models list", or a file (default: "brightness")
      --host <address>             where to listen; 0.0.0.0 for everybody (default: "127.0.0.1")
      -p, --port <n>               where to listen; 0 for any that is free (default: 8080)
      --keys <file>                API keys, one a line; each request then needs one of them
      --workers <n>                pictures that are looked at at the same time (default: 1)
      --max-megabytes <n>          of a request (default: 40)
      --max-megapixels <n>         of a picture (default: 50)
      --max-frames <n>             of a picture (default: 100)
      --max-waiting <n>            pictures that may wait; more are refused (default: 16)
      --max-seconds <n>            for one picture (default: 600)
      --keep-minutes <n>           how long results can be fetched (default: 15)
      --store <file>               keep pictures that wait and results in a file of SQLite
      --redis <url>                share them with other servers, which then do the work together
      --fetch-urls                 fetch pictures from the public internet, too: {"url": …} as JSON
      --drain-seconds <n>          how long to wait for what was begun when it ends (default: 60)
      -h, --help                   display help for command

    Global Options:
      -V, --version                output the version number
      -q, --quiet                  say nothing but results and problems
      --no-color                   write without colours, as with NO_COLOR set

    Examples:
      $ forgelens serve
      $ forgelens serve --host 0.0.0.0 --keys keys.txt --workers 2
      $ forgelens serve --redis redis://10.0.0.5:6379
      $ curl -F file=@photo.jpg http://127.0.0.1:8080/v1/analyses
    "
  `);
});
