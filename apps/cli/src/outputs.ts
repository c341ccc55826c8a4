import { existsSync } from 'node:fs';
import { readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Analysis } from '@forgelens/analysis';
import { parseAnalysis, pictureFiles } from '@forgelens/analysis';
import { UsageError } from '@forgelens/autograd';
import { free } from '@forgelens/autograd/runtime/node';
import { makeFolder } from '@forgelens/train';

/** The files of one picture's result. */
export interface Slot {
  /** The picture's name in the output folder; each file adds an ending to it. */
  readonly name: string;
  /** The complete result that is there already, of this picture or of an equal one. */
  readonly earlier: Analysis | null;
}

/** What the files of a result add to the picture's name: the result itself, its report, the map, and the map over it. */
export const jsonEnding = '.json';
export const reportEnding = '.html';
export const mapEnding = '.map.png';
export const overlayEnding = '.overlay.png';
/** Maps of evidence have a folder of their own. */
export const evidenceEnding = '.evidence';

/** What a picture of a result, by its key, adds to the picture's name. */
export const pictureEnding = (key: string): string =>
  key === 'map' ? mapEnding : key === 'overlay' ? overlayEnding : `${evidenceEnding}/${key}.png`;

/** The folder that results are written to. No result ever replaces one of another picture. */
export class OutputFolder {
  readonly folder: string;
  private readonly taken = new Set<string>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws {UsageError} when nothing can be written there. */
  static async open(folder: string): Promise<OutputFolder> {
    const probe = path.join(folder, `.forgelens-${process.pid}`);
    try {
      makeFolder(folder);
      await writeFile(probe, '');
      await rm(probe);
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    return new OutputFolder(folder);
  }

  /**
   * Finds a place for the result of a picture: its own name, or `name-2.jpg`, `name-3.jpg`, … where that is held by
   * another picture.
   */
  async reserve(name: string, picture: { readonly name: string; readonly sha256: string }): Promise<Slot> {
    const { dir, name: stem, ext } = path.parse(name);
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : path.join(dir, `${stem}-${n}${ext}`);
      // Folders on Windows and macOS do not tell upper case from lower case.
      const key = candidate.toLowerCase();
      if (this.taken.has(key)) continue;
      const there = await this.read(candidate);
      if (there === 'foreign') continue;
      if (there !== 'none') {
        const { name, sha256 } = there.analysis.input;
        if (name !== picture.name && sha256 !== picture.sha256) continue;
      }
      this.taken.add(key);
      return { name: candidate, earlier: there !== 'none' && there.complete ? there.analysis : null };
    }
  }

  /** The files of a result to be: they appear together once all are made, or never. */
  begin(name: string): NewResult {
    return new NewResult(this.folder, name);
  }

  /** Writes one file, whole or not at all. */
  async writeFile(name: string, content: Uint8Array | string): Promise<void> {
    const target = path.join(this.folder, name);
    await writeTemporary(target, content);
    await moveToPlace(target);
  }

  /** The result of this name: whose it is, and whether all of its files are there. */
  private async read(name: string): Promise<{ analysis: Analysis; complete: boolean } | 'none' | 'foreign'> {
    const file = path.join(this.folder, name + jsonEnding);
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) return 'none';
    const analysis = parseAnalysis(text);
    if (analysis === null) return 'foreign';
    const complete = pictureFiles(analysis).every(picture => existsSync(path.join(path.dirname(file), picture.file)));
    return { analysis, complete };
  }
}

/** The files of a result that is being made. */
class NewResult {
  private readonly result: string;
  private readonly targets: string[] = [];

  constructor(folder: string, name: string) {
    this.result = path.join(folder, name + jsonEnding);
  }

  /**
   * @param file - relative to the result
   * @param content - empty afterwards: of a huge picture it is large, and the next one is about to be made
   */
  async add(file: string, content: Uint8Array): Promise<void> {
    const target = path.join(path.dirname(this.result), file);
    this.targets.push(target);
    await writeTemporary(target, content);
    free(content.buffer);
  }

  /** The JSON comes last: where it is, the result is complete. */
  async finish(json: string): Promise<void> {
    this.targets.push(this.result);
    await writeTemporary(this.result, json);
    await rm(this.result, { force: true });
    for (const target of this.targets) await moveToPlace(target);
  }

  /** Leaves everything as it was. */
  async discard(): Promise<void> {
    for (const target of this.targets) await rm(temporaryOf(target), { force: true });
    // The folder of an earlier result has something in it, and stays.
    const folders = new Set(this.targets.map(target => path.dirname(target)));
    folders.delete(path.dirname(this.result));
    for (const folder of folders) await rmdir(folder).catch(() => {});
  }
}

const temporaryOf = (target: string): string => `${target}.${process.pid}.tmp`;

async function writeTemporary(target: string, content: Uint8Array | string): Promise<void> {
  try {
    makeFolder(path.dirname(target));
    await writeFile(temporaryOf(target), content);
  } catch (error) {
    throw cannotWrite(target, error);
  }
}

async function moveToPlace(target: string): Promise<void> {
  try {
    await rename(temporaryOf(target), target);
  } catch (error) {
    throw cannotWrite(target, error);
  }
}

/**
 * Where one file is to be written, as an absolute path.
 * @throws {UsageError} when there is a file already, or no folder for it
 */
export function newFile(cwd: string, out: string, option = '--out'): string {
  const target = path.resolve(cwd, out);
  if (existsSync(target))
    throw new UsageError(`${out} is there already; remove it, or choose another name with ${option}`);
  if (!existsSync(path.dirname(target)))
    throw new UsageError(`no folder for ${out}; make it, or choose another with ${option}`);
  return target;
}

function cannotWrite(where: string, error: unknown): UsageError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const reasons: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space is left',
    ENOTDIR: 'a part of the path is a file',
    EEXIST: 'it is a file',
    ENOENT: 'no folder can be made there',
  };
  return new UsageError(`cannot write to ${where}: ${reasons[code] ?? code}; choose another folder with --out`);
}
