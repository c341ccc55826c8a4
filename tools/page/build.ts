/** Builds the page, `npm run build:page`: what a browser needs beside the weights, in one folder that the server hands out. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pageFolder } from '@forgelens/web/folder';
import { build } from 'esbuild';
import { bundleAnalyst, bundleServiceWorker, bundling, copiedFiles } from '../../apps/web/bundle.ts';
import { thirdPartyNotices } from './notices.ts';

const source = join(import.meta.dirname, '../../apps/web/src');

/** Bundles the page, its workers and what they load into a folder, which is emptied before. */
export async function buildPage(folder: string = pageFolder): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...bundling,
    metafile: true,
    entryPoints: { page: join(source, 'main.tsx'), 'page-style': join(source, 'style.css') },
    outdir: folder,
    chunkNames: '[name]-[hash]',
    ...{ jsx: 'automatic', jsxImportSource: 'preact' },
    ...{ loader: { '.woff2': 'file' }, assetNames: '[name]' },
  });
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(source, name), join(folder, name));
  const notices = thirdPartyNotices([metafile, await bundleAnalyst(folder)], copiedFiles);
  writeFileSync(join(folder, 'third-party.txt'), notices);
  // It knows every other file by its hash, so it comes last.
  await bundleServiceWorker(folder);
}

if (import.meta.filename === process.argv[1]) {
  await buildPage();
  console.log(`built ${pageFolder}`);
}
