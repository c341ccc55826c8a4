/** The licences of others' work that the built page has in it, as one text. */
// cspell:ignore resvg libexif libheif libjxl nlohmann
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultModel, shippedFolder } from '@forgelens/localize';
import type { Metafile } from 'esbuild';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly repository?: string | { readonly url: string };
  readonly folder: string;
}

const kept = (name: string): string => readFileSync(join(import.meta.dirname, 'licences', `${name}.txt`), 'utf8');

/** For packages that have no file of their licence in them. */
const missingTexts: Readonly<Record<string, string>> = {
  'onnxruntime-common': 'onnxruntime',
  'onnxruntime-web': 'onnxruntime',
  '@bufbuild/protobuf': 'protobuf',
};

/**
 * Whose code is in what was built, and under which terms.
 *
 * @param metafiles - of the bundles, as esbuild writes them
 * @param copied - the files that were put beside them as they are
 * @throws {Error} when a package has no licence text, and none is kept here for it
 */
export function thirdPartyNotices(metafiles: readonly Metafile[], copied: readonly string[]): string {
  const packages = bundledPackages(metafiles, copied);
  const byText = new Map<string, Package[]>();
  for (const one of packages) {
    const text = licenceText(one);
    byText.set(text, [...(byText.get(text) ?? []), one]);
  }
  const sections = [...byText].map(([text, those]) => `${those.map(titleOf).join('\n')}\n\n${text}`);
  return [
    opening(packages),
    ...sections,
    wasmVips(),
    onnxRuntime(packages),
    weights(),
    kept('lgpl-3.0'),
    kept('gpl-3.0'),
  ]
    .map(section => section.trim())
    .join(`\n\n${'='.repeat(80)}\n\n`)
    .concat('\n');
}

/** The packages of which something is in the bundles or beside them, by name. */
export function bundledPackages(metafiles: readonly Metafile[], copied: readonly string[]): readonly Package[] {
  const inBundles = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
    ),
  );
  const folders = [...inBundles, ...copied].flatMap(
    file => /^.*node_modules[/\\](@[^/\\]+[/\\])?[^/\\]+/.exec(resolve(file))?.[0] ?? [],
  );
  return [...new Set(folders)]
    .map(folder => ({ ...(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package), folder }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function licenceText({ name, folder }: Package): string {
  const files = readdirSync(folder).filter(file => /^(license|licence|copying|notice|copyright)/i.test(file));
  if (files.length > 0) return files.map(file => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
  const known = missingTexts[name];
  if (known === undefined)
    throw new Error(`${name} has no licence text in its package; put it into tools/page/licences and name it there`);
  return kept(known);
}

const titleOf = ({ name, version, license }: Package): string =>
  `${name} ${version} (${license.replace(/^\((.*)\)$/, '$1')})`;

/** Where its source is. */
function sourceOf({ repository = '' }: Package): string {
  const url = typeof repository === 'string' ? repository : repository.url;
  return url
    .replace(/^(git\+|git:)(?=\/\/|http)/, '')
    .replace(/^(\/\/|http:\/\/)/, 'https://')
    .replace(/\.git$/, '');
}

const opening = (packages: readonly Package[]): string => `Third-party licences of the page of forgelens

forgelens itself is under the Apache License, Version 2.0. Its page has in it, as they were or made smaller:

${packages.map(one => `  ${titleOf(one)}, ${sourceOf(one)}`).join('\n')}

Those under the MPL are unchanged; their source is at these addresses. Below are the terms of each, then those of what is
compiled into WebAssembly, and of the weights.`;

/** What libvips for the browser was made of. */
function wasmVips(): string {
  const folder = join(fileURLToPath(import.meta.resolve('wasm-vips/vips.wasm')), '../..');
  const versions = JSON.parse(readFileSync(join(folder, 'versions.json'), 'utf8')) as Readonly<Record<string, string>>;
  const list = Object.entries(versions).filter(([name]) => !['jxl', 'resvg'].includes(name));
  return `vips/vips.wasm and vips/vips-heif.wasm: libvips and what it needs

They are those of the package wasm-vips, unchanged, and are made of these versions:

${list.map(([name, version]) => `  ${name} ${version}`).join('\n')}

Under the GNU Lesser General Public License, whose text is at the end of this file, are libvips, GLib, libexif and libheif.
https://github.com/kleisauke/wasm-vips has their sources, what was changed in them, and how they are compiled. Whoever has
the page may replace the three files in vips/ by others of the same names that were made of changed sources. (libjxl and
resvg, which the list of wasm-vips has too, are in files that the page does not have.) That list:

${readFileSync(join(folder, 'THIRD-PARTY-NOTICES.md'), 'utf8').trim()}`;
}

function onnxRuntime(packages: readonly Package[]): string {
  const { version } = packages.find(({ name }) => name === 'onnxruntime-web')!;
  return `ort/*.wasm: ONNX Runtime and what it needs

They are those of the package onnxruntime-web, unchanged. Abseil, Eigen, FlatBuffers, nlohmann/json, ONNX, Protocol Buffers,
re2, Dawn and others are compiled in. Their terms:
https://github.com/microsoft/onnxruntime/blob/v${version}/ThirdPartyNotices.txt`;
}

/** What the card says, and the licences that lie beside it. */
function weights(): string {
  const folder = new URL(`${defaultModel}/`, shippedFolder);
  const { licence } = JSON.parse(readFileSync(new URL('card.json', folder), 'utf8')) as { readonly licence: string };
  const texts = readdirSync(folder)
    .filter(file => /^(license|licence)/i.test(file))
    .map(file => `${file}:\n\n${readFileSync(new URL(file, folder), 'utf8').trim()}`);
  return [`models/${defaultModel}: the weights\n\n${licence}`, ...texts].join('\n\n');
}
