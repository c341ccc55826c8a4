import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Sharp } from 'sharp';
import sharp from 'sharp';

const examples = join(import.meta.dirname, '../../examples');

/**
 * Files to begin with: cut-outs of the examples in each format that is read, small, so that many mutations take little
 * time, with all that their files say of themselves.
 */
export async function makeSeeds(): Promise<ReadonlyMap<string, Uint8Array>> {
  const seeds = new Map<string, Uint8Array>();
  const folders = ['forged', 'authentic'].map(folder => join(examples, folder));
  for (const folder of folders)
    for (const name of (await readdir(folder)).filter(name => /\.(jpg|png)$/.test(name)).sort()) {
      const small = () =>
        sharp(join(folder, name)).keepMetadata().extract({ left: 64, top: 64, width: 96, height: 80 });
      const described = small().withExif({ IFD0: { Software: 'Editor 1.0', Artist: 'somebody' } });
      const forms: Record<string, Sharp> = {
        jpg: described.clone().jpeg({ quality: 85 }),
        'progressive.jpg': described.clone().jpeg({ quality: 60, progressive: true }),
        png: described.clone().png(),
        webp: described.clone().webp(),
        'lossless.webp': small().webp({ lossless: true }),
        tif: described.clone().tiff({ compression: 'deflate' }),
        'lzw.tif': small().tiff({ compression: 'lzw', tile: true, tileWidth: 64, tileHeight: 64 }),
        gif: small().gif(),
        avif: small().avif({ effort: 0 }),
      };
      for (const [form, image] of Object.entries(forms))
        seeds.set(`${basename(name, name.slice(-4))}.${form}`, new Uint8Array(await image.toBuffer()));
    }
  return seeds;
}
