import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { shippedFolder } from '@forgelens/localize';
import type { Env, Hono } from 'hono';

/**
 * What the page may do: run its own scripts and WebAssembly, and speak with this server. Nothing of another origin is
 * loaded, and no other page may frame it.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** libvips as WebAssembly makes functions of text. Its workers see no page, and speak with this server only. */
const workerPolicy = contentSecurityPolicy.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' 'unsafe-eval'");
const decodingWorker = /(-worker|\/vips-es6)\.js$/;

const headers = {
  'Content-Security-Policy': contentSecurityPolicy,
  // Threads of WebAssembly share memory, which a browser allows to isolated pages only.
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Kept, but asked about each time: a new version is there at once.
  'Cache-Control': 'no-cache',
} as const;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
};

/** Weights are there once, for Node and for the page: it finds them below this, in the folders of their models. */
const modelsPath = 'models/';

const notBuilt = `<!doctype html>
<html lang="en">
  <meta charset="utf-8" />
  <title>forgelens</title>
  <p>The page is not built yet. Run <code>npm run build:page</code> and load this again.</p>
  <p>The server itself works without it: <a href="openapi.json">openapi.json</a> tells how to use it.</p>
</html>
`;

/**
 * Hands out the built page, and the weights that it loads. Only files of these two folders are ever read: what is asked for
 * is looked up in their list.
 *
 * @param folder - where `npm run build:page` writes it
 */
export function servePage<E extends Env>(app: Hono<E>, folder: string): void {
  app.get('/*', async (c, next) => {
    const name = c.req.path === '/' ? 'index.html' : c.req.path.slice(1);
    const file = name.startsWith(modelsPath)
      ? await fileIn(fileURLToPath(shippedFolder), name.slice(modelsPath.length))
      : await fileIn(folder, name);
    if (file === null)
      return c.req.path === '/' ? c.html(notBuilt, 503, { 'Content-Security-Policy': "default-src 'none'" }) : next();
    const found = await stat(file);
    if (!found.isFile()) return next();
    const { size, mtimeMs } = found;
    const etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, { ...headers, ETag: etag });
    return c.body(Readable.toWeb(createReadStream(file)) as ReadableStream, 200, {
      ...headers,
      ...(decodingWorker.test(name) && { 'Content-Security-Policy': workerPolicy }),
      ...{ ETag: etag, 'Content-Length': String(size) },
      'Content-Type': types[path.extname(name)] ?? 'application/octet-stream',
    });
  });
}

async function fileIn(folder: string, name: string): Promise<string | null> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  return files.some(file => file.replaceAll('\\', '/') === name) ? path.join(folder, name) : null;
}
