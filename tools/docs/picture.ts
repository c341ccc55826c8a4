/**
 * Makes the README's picture of a real result, docs/images/result.webp, from an example that ships:
 *
 *     npx tsx tools/docs/picture.ts [forged/two-dandelions.jpg] [--model <id|checkpoint>]
 *
 * Four panels: the forged photograph and its probabilities; the overlay as `analyze` writes it and the true mask.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mapColour, overlay, readImage, readMask } from '@forgelens/imaging';
import { defaultModel, openLocalizer } from '@forgelens/localize';
import sharp from 'sharp';

const panelWidth = 596;
const gap = 8;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: 'string', default: defaultModel } },
});
const example = positionals[0] ?? 'forged/two-dandelions.jpg';
const root = join(import.meta.dirname, '../..');
const picture = join(root, 'examples', example);
const image = await readImage(picture);
const mask = await readMask(picture.replace('forged', 'masks').replace(/\.\w+$/, '.png'));

const localizer = await openLocalizer(values.model);
const { probabilities, score } = await localizer.locate(image);
await localizer.close();

const panelHeight = Math.round((image.height / image.width) * panelWidth);
const panels = [
  image.data,
  Uint8Array.from(Array.from(probabilities).flatMap(mapColour)),
  overlay(image, probabilities).data,
  Uint8Array.from({ length: image.data.length }, (_, i) => 255 * mask.data[Math.floor(i / 3)]!),
].map(async (data, i) => ({
  input: await sharp(data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(panelWidth, panelHeight)
    .png()
    .toBuffer(),
  left: (i % 2) * (panelWidth + gap),
  top: Math.floor(i / 2) * (panelHeight + gap),
}));

const size = { width: 2 * panelWidth + gap, height: 2 * panelHeight + gap };
const target = join(root, 'docs/images/result.webp');
await mkdir(join(root, 'docs/images'), { recursive: true });
const { size: bytes } = await sharp({ create: { ...size, channels: 3, background: 'white' } })
  .composite(await Promise.all(panels))
  .webp({ quality: 85 })
  .toFile(target);
console.log(`${target}: ${example}, score ${score.toFixed(3)}, ${size.width}×${size.height}, ${bytes} bytes`);
