/**
 * Makes the pictures of `examples/`, their masks, `index.csv` and `CREDITS.md`, always the same ones:
 *
 *     apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04     # Debian 12, version 20.04.0-2
 *     for package in lomiri-wallpapers-*.deb; do dpkg -x "$package" photographs; done
 *     npx tsx tools/examples/make.ts --photographs photographs
 */
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { credits } from './credits.ts';
import { cut } from './photographs.ts';
import { Forgery } from './pixels.ts';
import { imagePath, maskPath, recipes, type Recipe } from './recipes.ts';

const examples = join(import.meta.dirname, '../../examples');

/** Writes the files of one example, and returns its row of `index.csv`. */
async function make(recipe: Recipe, originals: string): Promise<string> {
  const { kind, save } = recipe;
  const host = await cut(originals, recipe.frame);
  const donor = recipe.donor ? await cut(originals, recipe.donor) : host;
  const forgery = new Forgery(host);
  recipe.forge?.(forgery, host, donor);

  const { width, height } = host;
  const rounded = Uint8Array.from(forgery.data, value => Math.min(255, Math.max(0, Math.round(value))));
  const picture = sharp(rounded, { raw: { width, height, channels: 3 } });
  const image = imagePath(recipe);
  const encoded = save === 'png' ? picture.png({ compressionLevel: 9 }) : picture.jpeg({ quality: save });
  await encoded.toFile(join(examples, image));
  if (kind === 'authentic') return ['examples', 'examples', image, '', kind, width, height, '', '', ''].join(',');

  const mask = maskPath(recipe);
  const white = forgery.mask();
  await sharp(white, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 9 })
    .toFile(join(examples, mask));
  const fraction = (white.filter(v => v > 0).length / white.length).toFixed(5);
  return ['examples', 'examples', image, mask, kind, width, height, fraction, '', ''].join(',');
}

const { values } = parseArgs({ options: { photographs: { type: 'string' } } });
const originals = join(values.photographs ?? '', 'usr/share/backgrounds');
if (values.photographs === undefined || !existsSync(originals)) {
  console.error(
    `make: no folder ${originals}; unpack the Debian packages as this file says and name their folder with --photographs`,
  );
  process.exit(2);
}
for (const folder of ['forged', 'masks', 'authentic']) {
  await rm(join(examples, folder), { recursive: true, force: true });
  await mkdir(join(examples, folder), { recursive: true });
}
const rows = ['split,set,image,mask,kind,width,height,maskFraction,authentic,extra'];
for (const recipe of recipes) {
  rows.push(await make(recipe, originals));
  console.log(rows.at(-1));
}
await writeFile(join(examples, 'index.csv'), rows.join('\n') + '\n');
await writeFile(join(examples, 'CREDITS.md'), credits(recipes));
