import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultModel, shippedFolder } from '@forgelens/localize';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { servePage } from './page.ts';

/** A server of a page with these files. */
function pageOf(files: Readonly<Record<string, string>>): Hono {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-page-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'dist/ort'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'dist', name), text);
  const app = new Hono();
  servePage(app, join(folder, 'dist'));
  return app;
}

test('the page may run its own scripts and nothing else, and is isolated for threads', async () => {
  const answer = await pageOf({ 'index.html': '<!doctype html>' }).request('/');
  expect(await answer.text()).toBe('<!doctype html>');
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
      "style-src 'self'; font-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'none'; " +
      "frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cache-control': 'no-cache',
  });
});

test('only workers may make functions of text, as libvips does there', async () => {
  const app = pageOf({ 'index.html': '', 'page.js': '', 'analysis-worker.js': '' });
  const policyOf = async (path: string) => (await app.request(path)).headers.get('content-security-policy')!;
  expect(await policyOf('/analysis-worker.js')).toContain("'unsafe-eval'");
  for (const path of ['/', '/page.js']) expect(await policyOf(path), path).not.toContain("'unsafe-eval'");
});

test('a file that has not changed is not sent again', async () => {
  const app = pageOf({ 'ort/threads.wasm': 'wasm' });
  const first = await app.request('/ort/threads.wasm');
  expect([first.status, first.headers.get('content-type')]).toEqual([200, 'application/wasm']);
  const again = await app.request('/ort/threads.wasm', { headers: { 'If-None-Match': first.headers.get('etag')! } });
  expect([again.status, await again.text()]).toEqual([304, '']);
});

test('weights are handed out from where Node reads them', async () => {
  const answer = await pageOf({ 'index.html': '' }).request(`/models/${defaultModel}/weights.safetensors`);
  expect([answer.status, answer.headers.get('cross-origin-resource-policy')]).toEqual([200, 'same-origin']);
  const weights = readFileSync(new URL(`${defaultModel}/weights.safetensors`, shippedFolder));
  expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), weights)).toBe(0);
});

test('only files of the page are handed out', async () => {
  const app = pageOf({ 'index.html': '' });
  // cspell:ignore fsecret fpackage
  const paths = ['/ort', '/../secret.txt', '/..%2Fsecret.txt', '/%2e%2e/secret.txt', '/ort/../../secret.txt'];
  for (const path of [...paths, '/models', '/models/', '/models/../package.json', '/models/..%2Fpackage.json'])
    expect((await app.request(path)).status, path).toBe(404);
});

test('a page that is not built says how to build it', async () => {
  const answer = await pageOf({}).request('/');
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('Run <code>npm run build:page</code>');
});
