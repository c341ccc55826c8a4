import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBreaches } from './layers.ts';

let root: string;

function write(file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), content);
}

function room(folder: string, dependencies: Record<string, string> = {}): void {
  const name = `@forgelens/${folder.split('/')[1]}`;
  write(`${folder}/package.json`, JSON.stringify({ name, exports: { '.': './src/index.ts' }, dependencies }));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-'));
  write('package.json', '{ "devDependencies": { "vitest": "4" } }');
  room('packages/autograd');
  room('packages/nn', { '@forgelens/autograd': '0.1.0' });
  room('packages/imaging', { '@forgelens/autograd': '0.1.0', sharp: '1' });
  room('apps/cli', { '@forgelens/imaging': '0.1.0' });
});

afterEach(() => rmSync(root, { recursive: true }));

test('allowed imports pass', () => {
  write('packages/nn/src/a.ts', "import { conv2d } from '@forgelens/autograd';\nexport * from './b.ts';\n");
  write(
    'packages/imaging/src/a.ts',
    "import sharp from 'sharp';\nimport { readFileSync } from 'node:fs';\nconsole.log(Date);\n",
  );
  write('packages/nn/src/a.test.ts', "import { test } from 'vitest';\nimport { tmpdir } from 'node:os';\n");
  write('packages/autograd/src/runtime/node.ts', "import { Worker } from 'node:worker_threads';\nprocess.exit();\n");
  write(
    'packages/autograd/src/a.ts',
    '// console.log(Date.now()), process and Math.random are words here\nx.process = { Date: 1 };\n',
  );
  expect(findBreaches(root)).toEqual([]);
});

test('a room imports only what its package.json lists', () => {
  write('packages/autograd/src/a.ts', "import type { Layer } from '@forgelens/nn';\n");
  write('packages/nn/src/a.ts', "\nconst sharp = await import('sharp');\n");
  expect(findBreaches(root)).toEqual([
    'packages/autograd/src/a.ts:1  imports @forgelens/nn, which is not in the dependencies of packages/autograd/package.json',
    'packages/nn/src/a.ts:2  imports sharp, which is not in the dependencies of packages/nn/package.json',
  ]);
});

test('a room imports no inner file of another room', () => {
  write(
    'apps/cli/src/main.ts',
    "import '@forgelens/imaging/src/jpeg.ts';\nexport * from '../../../packages/imaging/src/jpeg.ts';\n",
  );
  expect(findBreaches(root)).toEqual([
    'apps/cli/src/main.ts:1  imports @forgelens/imaging/src/jpeg.ts, which @forgelens/imaging does not export; import an exported subpath',
    'apps/cli/src/main.ts:2  imports ../../../packages/imaging/src/jpeg.ts, a file outside apps/cli; import a room by its package name',
  ]);
});

test('a pure room uses no Node, clock, global random or console', () => {
  write('packages/nn/src/a.ts', "import 'node:fs';\nDate.now();\nMath.random();\nconsole.log(process.env);\n");
  expect(findBreaches(root)).toEqual([
    'packages/nn/src/a.ts:1  imports node:fs in a pure room',
    'packages/nn/src/a.ts:2  uses Date in a pure room',
    'packages/nn/src/a.ts:3  uses Math.random in a pure room; take a seeded generator as an argument',
    'packages/nn/src/a.ts:4  uses console in a pure room',
    'packages/nn/src/a.ts:4  uses process in a pure room',
  ]);
});

test('rooms do not depend on each other in a circle', () => {
  room('packages/autograd', { '@forgelens/imaging': '0.1.0' });
  expect(findBreaches(root)).toEqual([
    'packages/autograd/package.json:1  circle: @forgelens/autograd → @forgelens/imaging → @forgelens/autograd',
  ]);
});
