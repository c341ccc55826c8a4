import { existsSync, mkdirSync, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '@forgelens/autograd';

/**
 * Writes a file whole or not at all, whenever the process or the machine dies: a temporary file beside it reaches the
 * disk before it takes the name.
 *
 * @param content - also in parts, which are made when they are written
 * @throws {DataError} when it cannot be written, with the reason
 */
export async function writeAtomically(
  path: string,
  content: Uint8Array | string | Iterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `${temporaryPrefix}${basename(path)}`);
  try {
    const file = await open(temporary, 'w');
    try {
      const parts = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cannotWrite(path, error);
  }
}

/** How the names of half-written files begin. */
export const temporaryPrefix = '.writing-';

/** Makes a renaming last. Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder and those that it is in, as far as they are missing. (Node's own recursive mkdir never returns where the
 * file system denies that the parent exists, as /proc does.)
 *
 * @throws the error of the file system
 */
export function makeFolder(path: string): void {
  const parent = dirname(resolve(path));
  if (!existsSync(parent)) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder is gone, or may not hold it',
  ENOTDIR: 'a part of the path is a file',
};

/** The error of a file that cannot be written. */
export function cannotWrite(path: string, error: unknown): DataError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return new DataError(path, `cannot be written: ${reasons[code] ?? code}`, { cause: error });
}
