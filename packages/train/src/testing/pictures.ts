import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '@forgelens/autograd';
import type { Mask } from '@forgelens/imaging';
import { emptyMask, encodeMask, encodePng, filledImage } from '@forgelens/imaging';

/**
 * Writes a small data set: grey noise of 48 × 40 pixels, with a red square where it is tampered.
 * @returns the path of its index
 */
export async function writePictures(folder: string, { tampered = 6, authentic = 4 } = {}): Promise<string> {
  await mkdir(folder, { recursive: true });
  const rows = ['split,set,image,mask,kind'];
  const random = new Random(1);
  for (let i = 0; i < tampered + authentic; i++) {
    const name = `photo${i}`;
    const image = filledImage(48, 40, [90, 90, 90]);
    for (let j = 0; j < image.data.length; j++) image.data[j]! += random.integer(0, 40);
    const mask: Mask = emptyMask(48, 40);
    if (i < tampered) {
      const [left, top] = [random.integer(0, 28), random.integer(0, 20)];
      for (let y = top; y < top + 16; y++)
        for (let x = left; x < left + 16; x++) {
          mask.data[y * 48 + x] = 1;
          image.data[3 * (y * 48 + x)] = 230;
        }
      await writeFile(join(folder, `${name}-mask.png`), await encodeMask(mask));
    }
    await writeFile(join(folder, `${name}.png`), await encodePng(image));
    rows.push(`train,made_up,${name}.png,${i < tampered ? `${name}-mask.png,splicing` : ',authentic'}`);
  }
  const index = join(folder, 'index.csv');
  await writeFile(index, `${rows.join('\n')}\n`);
  return index;
}
