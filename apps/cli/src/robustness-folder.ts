import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '@forgelens/autograd';
import type { DegradedImage, RobustnessRun } from '@forgelens/report';

const [headerName, journalName] = ['run.json', 'images.jsonl'];

/**
 * The folder of a robustness run: `run.json` says who is measured on what, and `images.jsonl` has a line for each picture
 * that is done after each degradation. A run that was killed goes on at the next picture, and a run with further
 * degradations adds to it.
 */
export class RobustnessFolder {
  readonly folder: string;
  private readonly done = new Map<string, DegradedImage>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws {UsageError} when the folder is of another run. */
  static async open(folder: string, run: RobustnessRun): Promise<RobustnessFolder> {
    const opened = new RobustnessFolder(folder);
    const header = path.join(folder, headerName);
    const there = await readFile(header, 'utf8').catch(() => null);
    if (there === null) {
      await mkdir(folder, { recursive: true });
      await opened.write(headerName, `${JSON.stringify(run, null, 2)}\n`);
    } else checkSameRun(folder, there, run);
    const journal = await readFile(path.join(folder, journalName), 'utf8').catch(() => '');
    for (const line of journal.split('\n')) opened.remember(parseLine(line));
    return opened;
  }

  /** What is known of a picture after a chain of degradations; null where it is not done, or could not be done. */
  find(chain: string, picture: Pick<DegradedImage, 'set' | 'id'>): DegradedImage | null {
    const there = this.done.get(keyOf({ chain, ...picture }));
    return there === undefined || 'error' in there ? null : there;
  }

  async keep(image: DegradedImage): Promise<void> {
    // The line before may have been cut off by a kill.
    await appendFile(path.join(this.folder, journalName), `\n${JSON.stringify(image)}`);
    this.remember(image);
  }

  /** Of these pictures, all that is known after these chains. */
  images(chains: readonly string[], pictures: readonly Pick<DegradedImage, 'set' | 'id'>[]): DegradedImage[] {
    return chains.flatMap(chain => pictures.flatMap(({ set, id }) => this.done.get(keyOf({ chain, set, id })) ?? []));
  }

  /** Writes a file, whole or not at all. */
  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.folder, name);
    await writeFile(`${file}.${process.pid}.tmp`, text);
    await rename(`${file}.${process.pid}.tmp`, file);
  }

  private remember(image: DegradedImage | null): void {
    if (image !== null) this.done.set(keyOf(image), image);
  }
}

const keyOf = ({ chain, set, id }: Pick<DegradedImage, 'chain' | 'set' | 'id'>): string =>
  JSON.stringify([chain, set, id]);

function parseLine(line: string): DegradedImage | null {
  try {
    return JSON.parse(line) as DegradedImage;
  } catch {
    return null;
  }
}

function checkSameRun(folder: string, text: string, run: RobustnessRun): void {
  const there = parseLine(text) as Partial<RobustnessRun> | null;
  const differ = (what: string, is: string | undefined, asked: string) => {
    if (is !== asked)
      throw new UsageError(
        `${folder} holds results of ${what} ${is ?? 'unknown'}, not ${asked}; choose another folder with --out`,
      );
  };
  const model = (one: RobustnessRun['model'] | undefined) =>
    one && `${one.id} ${one.version} (weights ${one.weightsSha256.slice(0, 12)})`;
  differ('the model', model(there?.model), model(run.model)!);
  differ('the list of pictures', there?.manifestSha256?.slice(0, 12), run.manifestSha256.slice(0, 12));
  differ('the seed', there?.seed, run.seed);
  differ('the version', there?.software?.version, run.software.version);
}
