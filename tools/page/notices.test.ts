import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bundling, copiedFiles } from '../../apps/web/bundle.ts';
import { bundledPackages, thirdPartyNotices } from './notices.ts';
import type { Metafile } from 'esbuild';
import { build } from 'esbuild';

/** What esbuild says of a bundle of these files, with the bytes of each that are left in it. */
const metafileOf = (inputs: Readonly<Record<string, number>>): Metafile => ({
  inputs: {},
  outputs: {
    'page.js': {
      ...{ bytes: 9, imports: [], exports: [] },
      inputs: Object.fromEntries(Object.entries(inputs).map(([file, bytesInOutput]) => [file, { bytesInOutput }])),
    },
  },
});

/** A folder with a package in its node_modules. */
function folderWith(name: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-notices-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const own = join(folder, 'node_modules', name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name, version: '1.2.3', license: 'MIT' }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(own, file), text);
  return own;
}

test('a package is told of with its own licence when something of it is left in a bundle', () => {
  const [used, unused] = [folderWith('@some/one', { LICENSE: 'By some one.' }), folderWith('other', { LICENSE: '' })];
  const text = thirdPartyNotices(
    [metafileOf({ [`${used}/lib/a.js`]: 7, [`${unused}/b.js`]: 0, 'apps/web/src/app.tsx': 8 })],
    copiedFiles,
  );
  expect(text).toContain('@some/one 1.2.3 (MIT)\n\nBy some one.');
  expect(text).not.toContain('other 1.2.3');
});

// cspell:ignore libheif
test('libvips and what it needs is named, with the text of the LGPL', () => {
  const text = thirdPartyNotices([], copiedFiles);
  expect(text).toMatch(/^ {2}vips \d+\.\d+\.\d+$/m);
  expect(text).toMatch(/^\| libheif +\| LGPLv3 +\|$/m);
  expect(text).toContain('GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3');
  expect(text).toContain('Copyright (c) 2018 - present Microsoft Corporation');
});

test('a package without a licence text fails the build', () => {
  const folder = folderWith('bare', {});
  expect(() => thirdPartyNotices([metafileOf({ [`${folder}/a.js`]: 1 })], copiedFiles)).toThrow(
    'bare has no licence text in its package; put it into tools/page/licences and name it there',
  );
});

test('the service worker, which keeps the text with the rest, has nothing of others in it', async () => {
  const { metafile } = await build({
    ...{ ...bundling, splitting: false, write: false, metafile: true },
    entryPoints: [join(import.meta.dirname, '../../apps/web/src/service-worker.ts')],
    define: { FORGELENS_FILES: '[]' },
  });
  expect(bundledPackages([metafile], [])).toEqual([]);
});
