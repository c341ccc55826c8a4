/** Bundles what looks at pictures in the browser, and puts beside it what it loads. */
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultModel } from '@forgelens/localize';
import type { BuildOptions } from 'esbuild';
import { build } from 'esbuild';
import type { Asset } from './src/assets.ts';

const folderOf = (module: string): string => dirname(fileURLToPath(import.meta.resolve(module)));

/** Folders beside the scripts, and from where which of their files come. */
const assetFolders: Readonly<Record<string, { readonly from: string; readonly files: readonly string[] }>> = {
  ort: {
    from: folderOf('onnxruntime-web/wasm'),
    files: ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap(name => [
      `${name}.mjs`,
      `${name}.wasm`,
    ]),
  },
  vips: {
    from: dirname(folderOf('wasm-vips/vips.wasm')),
    files: ['lib/vips-es6.js', 'lib/vips.wasm', 'lib/vips-heif.wasm', 'THIRD-PARTY-NOTICES.md'],
  },
  [`models/${defaultModel}`]: {
    from: fileURLToPath(new URL(`../../packages/localize/weights/${defaultModel}`, import.meta.url)),
    files: ['card.json', 'weights.safetensors'],
  },
};

/** How scripts of the page are bundled. */
export const bundling = {
  bundle: true,
  format: 'esm',
  splitting: true,
  target: 'es2022',
  minify: true,
  // The files of ONNX Runtime stay files, which its threads load, too.
  conditions: ['onnxruntime-web-use-extern-wasm'],
  logLevel: 'error',
} as const satisfies BuildOptions;

/**
 * Writes the worker of the browser's analyst, with all that it loads, into the folder of the page's scripts.
 *
 * @param takesSoftwareGpu - whether a GPU that a program plays will do: for tests where there is no other
 */
export async function bundleAnalyst(folder: string, takesSoftwareGpu = false): Promise<void> {
  for (const [name, { from, files }] of Object.entries(assetFolders))
    for (const file of files) cpSync(join(from, file), join(folder, name, basename(file)));
  await build({
    ...bundling,
    entryPoints: [join(import.meta.dirname, 'src/analysis-worker.ts')],
    outdir: folder,
    define: {
      FORGELENS_ASSETS: JSON.stringify(listFiles(folder).filter(isLazy)),
      FORGELENS_TAKES_SOFTWARE_GPU: String(takesSoftwareGpu),
    },
  });
}

/** Writes the service worker, which keeps all files that the folder has by now. Comes last. */
export async function bundleServiceWorker(folder: string): Promise<void> {
  const files = listFiles(folder).map(file => ({
    ...file,
    // What is asked for as a folder.
    path: file.path.replace(/(^|\/)index\.html$/, '$1'),
    isLazy: isLazy(file),
  }));
  await build({
    ...bundling,
    splitting: false,
    format: 'iife',
    entryPoints: [join(import.meta.dirname, 'src/service-worker.ts')],
    outdir: folder,
    define: { FORGELENS_FILES: JSON.stringify(files) },
  });
}

const isLazy = ({ path }: Asset): boolean => Object.keys(assetFolders).some(name => path.startsWith(`${name}/`));

const listFiles = (folder: string): Asset[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(path => path !== 'service-worker.js' && !path.endsWith('.map') && statSync(join(folder, path)).isFile())
    .sort()
    .map(path => {
      const content = readFileSync(join(folder, path));
      return { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
