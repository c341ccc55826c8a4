import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DataError, fromFloat16, readNpy, Tensor, toFloat16Bits, UsageError, writeNpy } from '@forgelens/autograd';
import type { Sample } from '@forgelens/data';
import { maskFiles } from '@forgelens/data';
import { encodePng, readImage } from '@forgelens/imaging';
import type { DataSelection, Excluded, Report, ScoredModel } from './report.ts';
import type { LocatedImage } from './tally.ts';

/** Whose maps a folder holds, of which pictures: its `evaluation.json`. */
export interface MapsHeader {
  readonly format: typeof mapsFormat;
  readonly software: Report['software'];
  readonly model: ScoredModel;
  readonly data: DataSelection;
  readonly manifestSha256: string;
  /** How many samples there are to be. */
  readonly samples: number;
  /** Of the numbers in the maps. */
  readonly precision: Precision;
}

/** The version of the folder's layout. */
export const mapsFormat = 'forgelens-maps/1';

export type Precision = 'float32' | 'float16';

/** An image whose map is in the folder: a line of `images.jsonl`. Paths of maps and truths are relative to the folder. */
export interface MapEntry {
  readonly id: string;
  readonly set: string;
  readonly label: 0 | 1;
  readonly width: number;
  readonly height: number;
  /** The model's score of the whole image, in [0, 1]. */
  readonly score: number;
  /** As they were when the map was made: absolute paths, and the SHA-256 of each file. */
  readonly image: string;
  readonly imageSha256: string;
  readonly masks: readonly string[];
  readonly masksSha256: readonly string[];
  /** Probabilities [H, W], `.npy`. */
  readonly map: string;
  readonly mapSha256: string;
  /** Levels 0–255 as a grey picture; null of an authentic image. */
  readonly truth: string | null;
}

const headerName = 'evaluation.json';
const journalName = 'images.jsonl';

/**
 * A folder with the map of each image of an evaluation, from which `score` computes every protocol without a network:
 *
 *     evaluation.json    whose maps these are, of which pictures
 *     images.jsonl       one line for each image that is done, or that could not be
 *     maps/<set>/<image>.npy
 *     truth/<set>/<image>.png
 *
 * A map is named in `images.jsonl` after it is whole: an evaluation that was killed goes on where it stopped.
 */
export class MapsFolder {
  readonly folder: string;
  readonly header: MapsHeader;
  private readonly entries: Map<string, MapEntry>;
  private readonly problems: Map<string, Excluded>;

  private constructor(
    folder: string,
    header: MapsHeader,
    entries: Map<string, MapEntry> = new Map(),
    problems: Map<string, Excluded> = new Map(),
  ) {
    this.folder = folder;
    this.header = header;
    this.entries = entries;
    this.problems = problems;
  }

  /**
   * The folder to write maps to: a new one, or one of an evaluation that is to go on.
   *
   * @throws {UsageError} when it holds maps of another model, of other pictures or of another precision.
   */
  static async open(folder: string, header: MapsHeader): Promise<MapsFolder> {
    const file = path.join(folder, headerName);
    if ((await readFile(file).catch(() => null)) === null) {
      await mkdir(folder, { recursive: true });
      await writeWhole(file, `${JSON.stringify(header, null, 2)}\n`);
      return new MapsFolder(folder, header);
    }
    const there = await MapsFolder.read(folder);
    const differ = (what: string, is: string, asked: string) => {
      if (is !== asked)
        throw new UsageError(`${folder} holds maps of ${what} ${is}, not ${asked}; choose another folder with --out`);
    };
    differ('the model', describeModel(there.header.model), describeModel(header.model));
    differ('the list of pictures', shortHash(there.header.manifestSha256), shortHash(header.manifestSha256));
    differ('the precision', there.header.precision, header.precision);
    differ('the version', there.header.software.version, header.software.version);
    return there;
  }

  /** @throws {UsageError} when the folder has no maps of this format. */
  static async read(folder: string): Promise<MapsFolder> {
    const file = path.join(folder, headerName);
    const text = await readFile(file, 'utf8').catch(() => {
      throw new UsageError(
        `no maps in ${folder}: there is no ${headerName}; make them with "evaluate --out ${folder}"`,
      );
    });
    const header = parseObject(text) as Partial<MapsHeader> | null;
    if (header?.format !== mapsFormat)
      throw new UsageError(`${file}: format "${header?.format ?? 'none'}" is not "${mapsFormat}"; make the maps anew`);
    const there = new MapsFolder(folder, header as MapsHeader);
    const journal = await readFile(path.join(folder, journalName), 'utf8').catch(() => '');
    for (const line of journal.split('\n')) {
      // A line that was cut off by a kill is of an image that is not done.
      const entry = parseObject(line) as MapEntry | Excluded | null;
      if (entry !== null) there.remember(entry);
    }
    return there;
  }

  /** The images that have a map. */
  images(): readonly MapEntry[] {
    return [...this.entries.values()];
  }

  /** The samples that could not be looked at, and why. */
  excluded(): readonly Excluded[] {
    return [...this.problems.values()];
  }

  /** How many samples have neither. */
  get missing(): number {
    return this.header.samples - this.entries.size - this.problems.size;
  }

  /** What is there of a sample whose files are the same as then. @throws {DataError} as `readMap`. */
  async find(sample: Sample): Promise<LocatedImage | null> {
    const entry = this.entries.get(keyOf(sample));
    if (!entry) return null;
    const hashes = await Promise.all([sample.image, ...maskFiles(sample)].map(fileSha256));
    if (hashes.join() !== [entry.imageSha256, ...entry.masksSha256].join()) return null;
    // A map that was damaged is made anew.
    return readMap(this.folder, entry).catch((error: unknown) => {
      if (error instanceof DataError) return null;
      throw error;
    });
  }

  /**
   * Keeps the map of a sample, under a name that no other sample has.
   * @returns the image with its map as it is read back: rounded, where the folder holds float16
   */
  async keep(sample: Sample, image: LocatedImage, name: string): Promise<LocatedImage> {
    const { width, height, levels, probabilities, score } = image;
    const half = this.header.precision === 'float16' ? toFloat16(probabilities) : null;
    const tensor = half
      ? new Tensor('float16', [height, width], half)
      : new Tensor('float32', [height, width], probabilities);
    const map = writeNpy(tensor);
    const files = { map: `maps/${name}.npy`, truth: sample.label === 1 ? `truth/${name}.png` : null };
    await writeWhole(path.join(this.folder, files.map), map);
    if (files.truth !== null) {
      const data = new Uint8Array(3 * levels.length);
      for (let i = 0; i < data.length; i++) data[i] = levels[Math.floor(i / 3)]!;
      await writeWhole(path.join(this.folder, files.truth), await encodePng({ width, height, data }));
    }
    const masks = maskFiles(sample);
    const entry: MapEntry = {
      ...{ id: sample.id, set: sample.set, label: sample.label, width, height, score },
      ...{ image: sample.image, imageSha256: await fileSha256(sample.image) },
      ...{ masks, masksSha256: await Promise.all(masks.map(fileSha256)) },
      ...{ map: files.map, mapSha256: sha256(map), truth: files.truth },
    };
    await this.append(entry);
    return half ? { ...image, probabilities: fromFloat16(half) } : image;
  }

  /** Notes that a sample could not be looked at. It is tried again when the evaluation is. */
  async exclude(problem: Excluded): Promise<void> {
    if (this.problems.get(keyOf(problem))?.error !== problem.error) await this.append(problem);
  }

  private async append(entry: MapEntry | Excluded): Promise<void> {
    // The line before may have been cut off.
    await appendFile(path.join(this.folder, journalName), `\n${JSON.stringify(entry)}`);
    this.remember(entry);
  }

  private remember(entry: MapEntry | Excluded): void {
    const key = keyOf(entry);
    this.entries.delete(key);
    this.problems.delete(key);
    if ('error' in entry) this.problems.set(key, entry);
    else this.entries.set(key, entry);
  }
}

/**
 * An image with its map and its truth from a folder of maps.
 *
 * @throws {DataError} when a file is missing or is not what was written.
 */
export async function readMap(folder: string, entry: MapEntry): Promise<LocatedImage> {
  const { id, set, label, width, height, score } = entry;
  const file = path.join(folder, entry.map);
  const bytes = await readFile(file).catch((error: Error) => {
    throw new DataError(file, 'no such file', { cause: error });
  });
  if (sha256(bytes) !== entry.mapSha256)
    throw new DataError(file, `is not the map that ${journalName} names; run the evaluation again to make it anew`);
  const { dtype, shape, data } = readNpy(bytes, file);
  if (shape.join() !== [height, width].join() || (dtype !== 'float32' && dtype !== 'float16'))
    throw new DataError(file, `${dtype} [${shape}] is not a float32 or float16 map of ${width}×${height}`);
  const probabilities = dtype === 'float16' ? fromFloat16(data as Uint16Array) : (data as Float32Array);
  const levels = new Uint8Array(width * height);
  if (entry.truth !== null) {
    const truth = await readImage(path.join(folder, entry.truth));
    if (truth.width !== width || truth.height !== height)
      throw new DataError(
        path.join(folder, entry.truth),
        `the truth is ${truth.width}×${truth.height} but its map is ${width}×${height}; make the maps anew`,
      );
    for (let i = 0; i < levels.length; i++) levels[i] = truth.data[3 * i]!;
  }
  return { id, set, label, score, width, height, probabilities, levels };
}

/** A name for the files of each sample: its set and id as far as they are good file names, and each only once. */
export function fileNames(samples: readonly Sample[]): readonly string[] {
  const taken = new Set<string>();
  return samples.map(({ set, id }) => {
    const safe = `${set}/${id}`.replaceAll(/(?<=^|\/)\.{1,2}(?=\/|$)|[<>:"|?*\\\0]|(?<=^|\/)(?=\/)/g, '_');
    let name = safe;
    // Folders on Windows and macOS do not tell upper case from lower case.
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${safe}-${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

/** (`Uint16Array.from` with a function takes ten times as long.) */
function toFloat16(numbers: Float32Array): Uint16Array {
  const bits = new Uint16Array(numbers.length);
  for (let i = 0; i < bits.length; i++) bits[i] = toFloat16Bits(numbers[i]!);
  return bits;
}

/** The first letters of a hash, as people compare them. */
export const shortHash = (hash: string): string => hash.slice(0, 12);

const describeModel = ({ id, weightsSha256, sizePolicy }: ScoredModel): string =>
  `${id} (weights ${shortHash(weightsSha256)}, ${sizePolicy})`;

const keyOf = ({ set, id }: { readonly set: string; readonly id: string }): string => JSON.stringify([set, id]);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const fileSha256 = async (file: string): Promise<string> => sha256(await readFile(file).catch(() => new Uint8Array()));

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** Writes a file whole or not at all. */
async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, file);
}
