import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import { glob, isDynamicPattern } from 'tinyglobby';
import { jsonEnding } from './outputs.ts';

/** One picture to look at. */
export interface Input {
  /** As the user would name it: relative to the working folder where it was given so. */
  readonly path: string;
  /** Where its results go, relative to the output folder: its path within the folder or glob that named it. */
  readonly name: string;
}

const extensions = ['jpg', 'jpeg', 'png', 'webp', 'tif', 'tiff', 'gif', 'bmp', 'avif', 'heic', 'heif'];

/**
 * The pictures that files, folders (with the folders within) and globs name, each once, in the order given. Maps and
 * overlays of an earlier run are left out, unless they are named as files.
 *
 * @throws {UsageError} when an argument names nothing
 */
export async function findInputs(args: readonly string[], cwd: string): Promise<Input[]> {
  const found = new Map<string, Input>();
  for (const arg of args)
    for (const input of await expand(arg, cwd)) {
      const absolute = path.resolve(cwd, input.path);
      if (!found.has(absolute)) found.set(absolute, input);
    }
  return [...found.values()];
}

async function expand(arg: string, cwd: string): Promise<Input[]> {
  const kind = await stat(path.resolve(cwd, arg)).catch(() => null);
  if (kind?.isFile()) return [{ path: arg, name: path.basename(arg) }];
  if (kind?.isDirectory()) {
    const inputs = await list(arg, [`**/*.{${extensions.join(',')}}`], cwd);
    if (inputs.length === 0)
      throw new UsageError(`no picture in the folder ${arg}; looked for files ending in .${extensions.join(', .')}`);
    return inputs;
  }
  if (!isDynamicPattern(arg)) throw new UsageError(`no such file or folder: ${arg}`);
  const pattern = arg.replaceAll(path.sep, '/');
  const parts = pattern.split('/');
  const fixed = parts.findIndex(part => isDynamicPattern(part));
  const base = parts.slice(0, fixed).join('/') || (pattern.startsWith('/') ? '/' : '.');
  const inputs = await list(base, [parts.slice(fixed).join('/')], cwd);
  if (inputs.length === 0) throw new UsageError(`nothing matches ${arg}`);
  return inputs;
}

async function list(base: string, patterns: string[], cwd: string): Promise<Input[]> {
  const root = path.resolve(cwd, base);
  const names = await glob(patterns, { cwd: root, caseSensitiveMatch: false, expandDirectories: false });
  return names
    .filter(name => !isOwnWork(path.join(root, name)))
    .sort()
    .map(name => ({ path: path.join(base, name), name }));
}

/** `photo.jpg.<key>.png` and `photo.jpg.evidence/<key>.png` beside a result `photo.jpg.json` are pictures of that result. */
const isOwnWork = (file: string) => {
  const [, picture] = /^(.*)\.(?:evidence[\\/])?[a-z-]+\.png$/.exec(file) ?? [];
  return picture !== undefined && existsSync(picture + jsonEnding);
};
