/** Builds the page, `npm run build:page`: all that a browser needs, in one folder that the server hands out as it is. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pageFolder } from '@forgelens/web/folder';
import { build } from 'esbuild';
import { bundleAnalyst, bundleServiceWorker, bundling } from '../../apps/web/bundle.ts';

const source = join(import.meta.dirname, '../../apps/web/src');

/** Bundles the page, its workers and what they load into a folder, which is emptied before. */
export async function buildPage(folder: string = pageFolder): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    ...bundling,
    entryPoints: { page: join(source, 'main.tsx'), 'page-style': join(source, 'style.css') },
    outdir: folder,
    chunkNames: '[name]-[hash]',
    ...{ jsx: 'automatic', jsxImportSource: 'preact' },
    ...{ loader: { '.woff2': 'file' }, assetNames: '[name]' },
  });
  for (const name of ['index.html', 'icon.svg']) copyFileSync(join(source, name), join(folder, name));
  await bundleAnalyst(folder);
  // It knows every other file by its hash, so it comes last.
  await bundleServiceWorker(folder);
}

if (import.meta.filename === process.argv[1]) {
  await buildPage();
  console.log(`built ${pageFolder}`);
}
