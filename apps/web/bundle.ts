/** Bundles what looks at pictures in the browser, and puts beside it what it loads. */
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultModel, shippedFolder } from '@forgelens/localize';
import type { BuildOptions, Metafile } from 'esbuild';
import { build } from 'esbuild';
import type { Asset } from './src/assets.ts';

const folderOf = (module: string): string => dirname(fileURLToPath(import.meta.resolve(module)));

type Folders = Readonly<Record<string, { readonly from: string; readonly files: readonly string[] }>>;

/** Folders beside the scripts, and from where which of their files come. */
const assetFolders: Folders = {
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
};

/** Folders that the server hands out beside them, from where Node has them, too: the weights are there once. */
const sharedFolders: Folders = {
  [`models/${defaultModel}`]: {
    from: fileURLToPath(new URL(defaultModel, shippedFolder)),
    files: ['card.json', 'weights.safetensors'],
  },
};

/** The files that are copied into the page as they are. */
export const copiedFiles: readonly string[] = Object.values(assetFolders).flatMap(({ from, files }) =>
  files.map(file => join(from, file)),
);

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
 * Writes the worker of the browser's analyst, with what it loads beside the weights, into the folder of the page's scripts.
 *
 * @param takesSoftwareGpu - whether a GPU that a program plays will do: for tests where there is no other
 */
export async function bundleAnalyst(folder: string, takesSoftwareGpu = false): Promise<Metafile> {
  for (const [name, { from, files }] of Object.entries(assetFolders))
    for (const file of files) cpSync(join(from, file), join(folder, name, basename(file)));
  const { metafile } = await build({
    ...bundling,
    entryPoints: [join(import.meta.dirname, 'src/analysis-worker.ts')],
    outdir: folder,
    metafile: true,
    define: {
      FORGELENS_ASSETS: JSON.stringify(listFiles(folder).filter(isLazy)),
      FORGELENS_TAKES_SOFTWARE_GPU: String(takesSoftwareGpu),
    },
  });
  return metafile;
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

const lazyFolders = Object.keys({ ...assetFolders, ...sharedFolders });
const isLazy = ({ path }: Asset): boolean => lazyFolders.some(name => path.startsWith(`${name}/`));

/** The files of the page: those of its folder, and those that it shares. */
const listFiles = (folder: string): readonly Asset[] => [
  ...readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(path => path !== 'service-worker.js' && !path.endsWith('.map') && statSync(join(folder, path)).isFile())
    .sort()
    .map(path => assetOf(path, join(folder, path))),
  ...Object.entries(sharedFolders).flatMap(([name, { from, files }]) =>
    files.map(file => assetOf(`${name}/${file}`, join(from, file))),
  ),
];

function assetOf(path: string, file: string): Asset {
  const content = readFileSync(file);
  return { path, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}
