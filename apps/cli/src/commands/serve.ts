import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { defaultSettings, serve } from '@forgelens/server';
import { Command, InvalidArgumentError } from 'commander';
import { examples, parseCount } from '../arguments.ts';
import type { Context, ExitCode } from '../context.ts';
import { exit } from '../context.ts';
import type { GlobalOptions } from '../terminal.ts';
import { Terminal } from '../terminal.ts';

interface Options extends GlobalOptions {
  readonly model: string;
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  readonly maxMegabytes: number;
  readonly maxMegapixels: number;
  readonly maxFrames: number;
  readonly maxWaiting: number;
  readonly maxSeconds: number;
  readonly keepMinutes: number;
  readonly drainSeconds: number;
  readonly keys?: string;
  readonly store?: string;
  readonly redis?: string;
  readonly fetchUrls?: true;
}

export function serveCommand(context: Context): Command {
  const { maxBytes, maxPixels, maxFrames, maxWaiting, maxJobMs, keepMs, drainMs, workers } = defaultSettings;
  return new Command('serve')
    .summary('answer over HTTP')
    .description(
      'Looks at pictures that are sent over HTTP: POST /v1/analyses. Results are kept for a while, in memory unless ' +
        'told otherwise. SIGTERM and Ctrl-C end what was begun first. docs/server.md tells the rest.',
    )
    .option('-m, --model <id|checkpoint>', 'a model of "forgelens models list", or a file', context.models.default)
    .option('--host <address>', 'where to listen; 0.0.0.0 for everybody', '127.0.0.1')
    .option('-p, --port <n>', 'where to listen; 0 for any that is free', parsePort, 8080)
    .option('--keys <file>', 'API keys, one a line; each request then needs one of them')
    .option('--workers <n>', 'pictures that are looked at at the same time', parseCount, workers)
    .option('--max-megabytes <n>', 'of a request', parseCount, maxBytes / 1e6)
    .option('--max-megapixels <n>', 'of a picture', parseCount, maxPixels / 1e6)
    .option('--max-frames <n>', 'of a picture', parseCount, maxFrames)
    .option('--max-waiting <n>', 'pictures that may wait; more are refused', parseCount, maxWaiting)
    .option('--max-seconds <n>', 'for one picture', parseCount, maxJobMs / 1000)
    .option('--keep-minutes <n>', 'how long results can be fetched', parseCount, keepMs / 60_000)
    .option('--store <file>', 'keep pictures that wait and results in a file of SQLite')
    .option('--redis <url>', 'share them with other servers, which then do the work together')
    .option('--fetch-urls', 'fetch pictures from the public internet, too: {"url": …} as JSON')
    .option('--drain-seconds <n>', 'how long to wait for what was begun when it ends', parseCount, drainMs / 1000)
    .addHelpText(
      'after',
      examples(
        'forgelens serve',
        'forgelens serve --host 0.0.0.0 --keys keys.txt --workers 2',
        'forgelens serve --redis redis://10.0.0.5:6379',
        'curl -F file=@photo.jpg http://127.0.0.1:8080/v1/analyses',
      ),
    )
    .action(async (_: unknown, command: Command) => {
      context.finish(await run(command.optsWithGlobals<Options>(), context));
    });
}

async function run(options: Options, { io, models }: Context): Promise<ExitCode> {
  const terminal = new Terminal(io, options);
  const apiKeys = options.keys === undefined ? [] : await readKeys(options.keys, io.cwd);
  // What is wrong with the model is said before anybody waits for an answer.
  await models.load(options.model);
  const serving = await serve({
    settings: {
      ...defaultSettings,
      ...{ apiKeys, workers: options.workers, maxWaiting: options.maxWaiting, maxFrames: options.maxFrames },
      ...{ maxBytes: options.maxMegabytes * 1e6, maxPixels: options.maxMegapixels * 1e6 },
      ...{ maxJobMs: options.maxSeconds * 1000, drainMs: options.drainSeconds * 1000 },
      keepMs: options.keepMinutes * 60_000,
      store: options.store === undefined ? null : path.resolve(io.cwd, options.store),
      redis: options.redis ?? null,
      fetchUrls: options.fetchUrls ?? false,
    },
    ...{ model: options.model, host: options.host, port: options.port },
    log: text => terminal.problem(`${new Date().toISOString()} ${text}`),
  });
  terminal.print(`listening on ${serving.url}`);
  if (apiKeys.length === 0 && !/^(127\.|::1$|localhost$)/.test(options.host))
    terminal.problem('no API keys: whoever reaches this address can use it (--keys names a file of keys)');
  await new Promise<void>(resolve => {
    if (io.signal?.aborted) resolve();
    io.signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  terminal.note('ending what was begun');
  await serving.close();
  return exit.ran;
}

/** @throws {UsageError} when the file cannot be read or holds no good key */
async function readKeys(file: string, cwd: string): Promise<string[]> {
  const text = await readFile(path.resolve(cwd, file), 'utf8').catch(() => {
    throw new UsageError(`cannot read the API keys in ${file}; make it with one key a line`);
  });
  const keys = text.split(/\s+/).filter(key => key !== '');
  if (keys.length === 0) throw new UsageError(`no API key in ${file}; write one a line`);
  const short = keys.filter(key => key.length < 16).length;
  if (short > 0)
    throw new UsageError(`${short} of ${keys.length} API keys in ${file} have under 16 characters; take longer ones`);
  return keys;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}
