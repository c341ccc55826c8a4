import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { DataError, UsageError } from '@forgelens/autograd';
import { z } from 'zod';

import { fileSha256 } from '../readers/manifest.ts';
import type { Material } from '../sample.ts';
import type { ForgeryAnswer } from './forgery-worker.ts';
import { describeProblems, forgeryKinds, Recipe, type ForgeryKind } from './recipe.ts';

/** What a set of forgeries is: with the same material it gives the same files. */
export const ForgerySetPlan = z.strictObject({
  version: z.literal(1),
  seed: z.string(),
  count: z.int().min(1),
  size: z.int().min(32).describe('Width and height of the forgeries, in pixels.'),
  kinds: z.partialRecord(z.enum(forgeryKinds), z.number().min(0)).describe('How often which is made.'),
  sources: z.boolean().describe('Whether the untouched pictures are written too.'),
  recipes: z.string().nullable().describe('The SHA-256 of the recipes that were given; null when they were drawn.'),
  materialSha256: z.string(),
});
export type ForgerySetPlan = z.infer<typeof ForgerySetPlan>;

/** What lies in `recipes/` for each forgery: its files, what is in them, and what it was made from. */
export const MadeForgery = z.strictObject({
  image: z.string(),
  mask: z.string(),
  source: z.string().nullable(),
  kind: z.enum([...forgeryKinds, 'mixed', 'authentic']),
  width: z.int(),
  height: z.int(),
  tamperedFraction: z.number(),
  recipe: Recipe,
});
export type MadeForgery = z.infer<typeof MadeForgery>;

/** What a worker is started with. */
export interface ForgeryJob {
  readonly folder: string;
  readonly material: readonly Material[];
  readonly plan: ForgerySetPlan;
  /** Decoded photographs that the worker keeps, in bytes. */
  readonly keptBytes: number;
}

export interface ForgerySetOptions {
  readonly folder: string;
  readonly material: readonly Material[];
  readonly count: number;
  readonly seed: number | string;
  readonly size: number;
  readonly kinds: Readonly<Partial<Record<ForgeryKind, number>>>;
  readonly sources: boolean;
  /** Recipes to make instead of drawing some: the forgeries of an earlier set, made again. */
  readonly recipes?: readonly Recipe[];
  readonly workers: number;
  readonly signal?: AbortSignal;
  /** Called with the number of each forgery that is there. */
  readonly onProgress?: (done: number) => void;
}

export interface ForgerySetResult {
  /** How many were made now, and how many were there already. */
  readonly made: number;
  readonly found: number;
  readonly interrupted: boolean;
}

/** Forgeries that a worker makes at once: one is computed while a codec works on the other. */
const atOnce = 2;

/**
 * Room for young objects in a worker, in MB: each forgery takes many megabytes for a moment. On two cores that is 2 %
 * faster than the usual room of a few.
 */
const maxYoungGenerationSizeMb = 256;

/** How much of the machine's memory all workers together use to keep photographs that they may need again. */
const keptShare = 0.25;

const planFile = 'synthesis.json';

/** The name of the n-th forgery's files, counted from 0. */
export const forgeryName = (n: number): string => String(n + 1).padStart(6, '0');

/**
 * Writes forgeries as a data set that `readDataset` reads: `index.csv`, `images/`, `masks/`, `sources/` (the same
 * pictures untouched, as authentic samples), `recipes/` (one JSON each) and `synthesis.json`. What is there already is
 * kept: a run that was stopped goes on, and a larger count adds to what there is. Each forgery is a function of the
 * seed, its number and the material, whatever the number of workers.
 *
 * @throws {UsageError} when the folder holds something else, or when no object of the material fits
 * @throws {DataError} when a photograph cannot be read
 */
export async function writeForgerySet(options: ForgerySetOptions): Promise<ForgerySetResult> {
  const { folder, material, recipes, signal, onProgress } = options;
  const plan: ForgerySetPlan = {
    version: 1,
    seed: String(options.seed),
    count: options.count,
    size: options.size,
    kinds: options.kinds,
    sources: options.sources,
    recipes: recipes ? sha256(JSON.stringify(recipes)) : null,
    materialSha256: await materialSha256(material),
  };
  await openFolder(folder, plan);
  const there = new Set(await readdir(join(folder, 'recipes')));
  const missing = Array.from({ length: plan.count }, (_, n) => n).filter(n => !there.has(`${forgeryName(n)}.json`));
  let done = plan.count - missing.length;
  onProgress?.(done);

  const queue = missing.values();
  const count = Math.min(options.workers, missing.length);
  const keptBytes = Math.floor((keptShare * totalmem()) / count);
  const workers = Array.from({ length: count }, () => startWorker({ folder, material, plan, keptBytes }));
  const drive = async (worker: Worker) => {
    for (const n of queue) {
      if (signal?.aborted) return;
      await answerOf(worker, { n, recipe: recipes?.[n] ?? null });
      done++;
      onProgress?.(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, () => workers.map(drive)).flat());
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()));
  }
  const interrupted = done < plan.count;
  if (!interrupted) await writeAtOnce(join(folder, 'index.csv'), await indexOf(folder, plan));
  return { made: done - (plan.count - missing.length), found: plan.count - missing.length, interrupted };
}

/** The forgeries of a set, in order. @throws {DataError} when a file in `recipes/` is not one of a set. */
export async function readForgerySet(folder: string): Promise<MadeForgery[]> {
  const path = join(folder, 'recipes');
  const names = await readdir(path).catch(error => {
    throw new DataError(folder, 'no set of forgeries: it has no folder "recipes"', { cause: error });
  });
  const made: MadeForgery[] = [];
  for (const name of names.filter(name => /^\d+\.json$/.test(name)).sort()) made.push(await readMade(join(path, name)));
  return made;
}

async function readMade(path: string): Promise<MadeForgery> {
  const text = await readFile(path, 'utf8');
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new DataError(path, `not a forgery's record (${(error as Error).message})`, { cause: error });
  }
  const { success, data, error } = MadeForgery.safeParse(raw);
  if (!success) throw new DataError(path, `not a forgery's record (${describeProblems(error)})`);
  return data;
}

/** Makes the folder, or finds there a set of the same plan but for its count. */
async function openFolder(folder: string, plan: ForgerySetPlan): Promise<void> {
  const path = join(folder, planFile);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) {
    const inside = await readdir(folder).catch(() => []);
    if (inside.length > 0)
      throw new UsageError(`${folder} is not empty and holds no ${planFile}; choose another folder with --out`);
  } else {
    const earlier = ForgerySetPlan.safeParse(JSON.parse(text));
    const differs = (Object.keys(plan) as (keyof ForgerySetPlan)[]).filter(
      key => key !== 'count' && JSON.stringify(earlier.data?.[key]) !== JSON.stringify(plan[key]),
    );
    if (differs.length > 0)
      throw new UsageError(
        `${folder} holds forgeries with another ${differs.join(', ')}; give the same, or choose another folder with --out`,
      );
  }
  for (const name of ['images', 'masks', ...(plan.sources ? ['sources'] : []), 'recipes'])
    await mkdir(join(folder, name), { recursive: true });
  await writeAtOnce(path, `${JSON.stringify(plan, null, 2)}\n`);
}

async function writeAtOnce(path: string, text: string): Promise<void> {
  await writeFile(`${path}.tmp`, text);
  await rename(`${path}.tmp`, path);
}

async function indexOf(folder: string, { count, sources }: ForgerySetPlan): Promise<string> {
  const rows = ['split,set,image,mask,kind,width,height,maskFraction,authentic,extra'];
  for (let n = 0; n < count; n++) {
    const made = await readMade(join(folder, 'recipes', `${forgeryName(n)}.json`));
    const { image, mask, source, kind, width, height, tamperedFraction, recipe } = made;
    const size = `${width},${height}`;
    const host = quoted(recipe.host.photograph);
    rows.push(`,synthetic,${image},${mask},${kind},${size},${tamperedFraction.toFixed(5)},${host},`);
    if (sources && source) rows.push(`,synthetic,${source},,authentic,${size},,${host},`);
  }
  return `${rows.join('\n')}\n`;
}

const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** One hash over all files of the material. */
async function materialSha256(material: readonly Material[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { id, image, objects } of material)
    hash.update(`${id}\t${await fileSha256(image)}\t${await fileSha256(objects.path)}\n`);
  return hash.digest('hex');
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function answerOf(worker: Worker, task: { readonly n: number; readonly recipe: Recipe | null }): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (answer: ForgeryAnswer) => {
      if (answer.n !== task.n) return;
      worker.off('message', settle);
      worker.off('error', reject);
      if (answer.problem === null) return resolve();
      const { path, usage, text } = answer.problem;
      reject(path !== null ? new DataError(path, text) : usage ? new UsageError(text) : new Error(text));
    };
    worker.on('message', settle);
    worker.once('error', reject);
    worker.postMessage(task);
  });
}

/** The worker lies beside this file: JavaScript when built, and in development TypeScript, which tsx loads. */
function startWorker(workerData: ForgeryJob): Worker {
  const file = import.meta.url.endsWith('.ts') ? './forgery-worker.dev.mjs' : './forgery-worker.js';
  return new Worker(new URL(file, import.meta.url), { workerData, resourceLimits: { maxYoungGenerationSizeMb } });
}
