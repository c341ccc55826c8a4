import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageManifest } from './manifest.ts';

const manifest = packageManifest(join(import.meta.dirname, '../..')) as {
  exports: Record<string, unknown>;
  dependencies: Record<string, string>;
};

test('every room is a subpath of the package, with its types, and none is for tests', () => {
  expect(manifest.exports['./nn']).toEqual({
    types: './packages/nn/src/index.d.ts',
    default: './packages/nn/src/index.js',
  });
  expect(manifest.exports['.']).toEqual({
    types: './apps/library/src/index.d.ts',
    default: './apps/library/src/index.js',
  });
  expect(manifest.exports['./imaging']).toHaveProperty('browser');
  expect(Object.keys(manifest.exports).filter(name => name.includes('testing'))).toEqual([]);
});

test('the package depends on what its rooms need, and not on rooms or on what is within the built page', () => {
  expect(manifest.dependencies).toHaveProperty('onnxruntime-node');
  expect(Object.keys(manifest.dependencies).filter(name => /^@forgelens|^preact$|^esbuild$/.test(name))).toEqual([]);
});
