/** Debian's Chromium, driven without a display, on a page that this process bundles and serves. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getRequestListener } from '@hono/node-server';
import { build } from 'esbuild';
import { Hono } from 'hono';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { servePage } from '../../apps/server/src/page.ts';

const executablePath = '/usr/bin/chromium';

/** The software GPU that comes with Debian's Chromium, as a Vulkan driver. */
export const softwareGpu = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Why tests that need Chromium and its software GPU cannot run here; null when they can, or must. */
export function whyNot(): string | null {
  const missing = [executablePath, softwareGpu].filter(path => !existsSync(path));
  if (missing.length === 0 || process.env['FORGELENS_REQUIRE_BROWSER'] === '1') return null;
  return `${missing.join(' and ')} missing; install Debian's chromium and libvulkan1`;
}

const flags = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  '--no-sandbox',
];

const softwareGpuFlags = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
];

export const launchChromium = (moreFlags: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath, args: [...flags, ...moreFlags] });

export interface OpenPage {
  readonly page: Page;
  /** Nothing is served from then on. */
  readonly goOffline: () => void;
  readonly close: () => Promise<void>;
}

/**
 * Opens an empty page with one script.
 * @param scripts - the TypeScript files to bundle, by the name that they are served under; the page runs `page.js`
 * @param folders - folders to serve as they are, by URL path
 */
export async function openPage(
  scripts: Readonly<Record<string, string>>,
  folders: Readonly<Record<string, string>>,
): Promise<OpenPage> {
  const { outputFiles } = await build({
    entryPoints: Object.fromEntries(Object.entries(scripts).map(([name, path]) => [name.replace(/\.js$/, ''), path])),
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    target: 'es2022',
    conditions: ['onnxruntime-web-use-extern-wasm'],
    logLevel: 'error',
  });
  const bundles = new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  const html = '<!doctype html><script type="module" src="/page.js"></script>';
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost');
    const folder = Object.keys(folders).find(prefix => pathname.startsWith(prefix));
    const body =
      pathname === '/'
        ? html
        : folder
          ? readFile(join(folders[folder]!, pathname.slice(folder.length)))
          : bundles.get(pathname);
    // WebAssembly threads share memory, which needs a cross-origin isolated page.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    response.setHeader('Content-Type', contentTypes[/\.\w+$/.exec(pathname)?.[0] ?? ''] ?? 'text/html');
    Promise.resolve(body).then(
      body => response.writeHead(body === undefined ? 404 : 200).end(body),
      () => response.writeHead(404).end(),
    );
  });
  return open(server, softwareGpuFlags);
}

/** Opens the page of a folder, served as `forgelens serve` serves it, in a Chromium with or without WebGPU. */
export async function openFolder(folder: string, { hasGpu }: { readonly hasGpu: boolean }): Promise<OpenPage> {
  const app = new Hono();
  servePage(app, folder);
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => void listener(request, response));
  return open(server, hasGpu ? softwareGpuFlags : ['--disable-gpu']);
}

async function open(server: Server, gpuFlags: readonly string[]): Promise<OpenPage> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const goOffline = (): void => {
    server.close();
    server.closeAllConnections();
  };
  const browser = await launchChromium(gpuFlags);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    ...{ page, goOffline },
    async close() {
      await browser.close();
      goOffline();
    },
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** The folder of a package's module. */
export const folderOf = (module: string): string => dirname(fileURLToPath(import.meta.resolve(module)));
