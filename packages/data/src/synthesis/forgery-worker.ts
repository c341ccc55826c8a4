/** A thread that makes forgeries and writes them: gets a number and perhaps a recipe, answers with what failed. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

import { DataError, Random, UsageError } from '@forgelens/autograd';
import { encodeMask, tamperedFraction } from '@forgelens/imaging';

import { Pictures } from '../pictures.ts';
import { drawRecipe } from './draw-recipe.ts';
import { encodePicture } from './encode-picture.ts';
import { forgeryName, type ForgeryJob, type MadeForgery } from './forgery-set.ts';
import { composeForgery } from './make-forgery.ts';
import { Photographs } from './photographs.ts';
import { forgeryKinds, pictureKind, type Recipe } from './recipe.ts';

/** What a worker answers; an error crosses threads as its parts, for a clone would lose its class. */
export interface ForgeryAnswer {
  readonly n: number;
  readonly problem: { readonly path: string | null; readonly usage: boolean; readonly text: string } | null;
}

const { folder, material, plan, keptBytes } = workerData as ForgeryJob;
const photographs = new Photographs(material, new Pictures(keptBytes));
const random = new Random(plan.seed);

parentPort!.on('message', ({ n, recipe }: { readonly n: number; readonly recipe: Recipe | null }) => {
  make(n, recipe).then(
    () => answer(n, null),
    (error: Error) => {
      const path = error instanceof DataError ? error.path : null;
      const usage = error instanceof UsageError;
      const message = path === null ? error.message : error.message.slice(`${path}: `.length);
      answer(n, { path, usage, text: path === null && !usage ? (error.stack ?? message) : message });
    },
  );
});

const answer = (n: number, problem: ForgeryAnswer['problem']): void =>
  parentPort!.postMessage({ n, problem } satisfies ForgeryAnswer);

async function make(n: number, given: Recipe | null): Promise<void> {
  const name = forgeryName(n);
  const recipe = given ?? (await draw(random.fork(name)));
  const { image, mask, source } = await composeForgery(recipe, photographs);
  const after = `${recipe.seed}/after`;
  const forged = await encodePicture(image, mask, recipe.after, after);
  const untouched = plan.sources ? await encodePicture(source, null, recipe.after, after) : null;
  const truth = forged.mask;

  const files = {
    image: `images/${name}.${forged.ending}`,
    mask: `masks/${name}.png`,
    source: untouched && `sources/${name}.${untouched.ending}`,
  };
  await writeFile(join(folder, files.image), forged.bytes);
  await writeFile(join(folder, files.mask), await encodeMask(truth));
  if (untouched && files.source) await writeFile(join(folder, files.source), untouched.bytes);
  const made: MadeForgery = {
    ...files,
    kind: pictureKind(recipe),
    width: truth.width,
    height: truth.height,
    tamperedFraction: tamperedFraction(truth),
    recipe,
  };
  // Where its record is, a forgery is complete.
  const record = join(folder, 'recipes', `${name}.json`);
  await writeFile(`${record}.tmp`, `${JSON.stringify(made, null, 2)}\n`);
  await rename(`${record}.tmp`, record);
}

function draw(random: Random): Promise<Recipe> {
  const weights = forgeryKinds.map(kind => plan.kinds[kind] ?? 0);
  return drawRecipe(random, photographs, { kind: random.pick(forgeryKinds, weights), size: plan.size });
}
