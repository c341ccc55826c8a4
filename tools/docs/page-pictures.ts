/**
 * Makes the documents' pictures of the page, docs/images/page-desktop.webp and page-phone.webp, in Debian's Chromium:
 *
 *     npx tsx tools/docs/page-pictures.ts
 */
import { join } from 'node:path';
import { defaultModel } from '@forgelens/localize';
import { defaultSettings, serve } from '@forgelens/server';
import sharp from 'sharp';
import { launchChromium } from '../browser/chromium.ts';
import { buildPage } from '../page/build.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'examples/forged/boulder-on-meadow.jpg');
const windows = {
  desktop: { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1.5 },
};

await buildPage();
const serving = await serve({
  ...{ settings: { ...defaultSettings, drainMs: 1000 }, model: defaultModel, host: '127.0.0.1', port: 0 },
  log: console.error,
});
const browser = await launchChromium();
for (const [name, size] of Object.entries(windows)) {
  const page = await browser.newPage({ ...size, reducedMotion: 'reduce' });
  await page.goto(serving.url);
  await page.locator('input[type=file]').first().setInputFiles(example);
  await page.getByRole('tab', { name: 'Tampering map' }).waitFor({ timeout: 120_000 });
  await page.locator('.region-list').waitFor();
  const file = join(root, `docs/images/page-${name}.webp`);
  const {
    width,
    height,
    size: bytes,
  } = await sharp(await page.screenshot())
    .webp({ quality: 85 })
    .toFile(file);
  console.log(`${file}: ${width}×${height}, ${bytes} bytes`);
}
await browser.close();
await serving.close();
