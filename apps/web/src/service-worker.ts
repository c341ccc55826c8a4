/**
 * Keeps the page and all that it needs, so that it works offline. Each file is known by its SHA-256 and is served from the
 * cache only: one that is not what it was when this was built is refused. Nothing else passes through here.
 */
import type { Asset } from './assets.ts';

/** A file of the page. `isLazy` ones are kept when they are first asked for, the others before the page is taken over. */
interface KeptFile extends Asset {
  readonly isLazy: boolean;
}

/** All files of the page, as they were when this was built. */
declare const FORGELENS_FILES: readonly KeptFile[];

/** The little of a service worker that is used here; these files are typed for pages. */
interface WaitingEvent {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchingEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
declare const self: {
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string };
  addEventListener(type: 'install' | 'activate', listener: (event: WaitingEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchingEvent) => void): void;
};

const cacheName = 'forgelens';
/** Under its hash, so that a file that a new version of the page shares with the last one is not fetched again. */
const keyOf = ({ path, sha256 }: KeptFile): string => `${addressOf(path)}?sha256=${sha256}`;
const addressOf = (path: string): string => new URL(path, self.registration.scope).href;

self.addEventListener('install', event => {
  event.waitUntil(Promise.all(FORGELENS_FILES.filter(({ isLazy }) => !isLazy).map(serve)));
});

self.addEventListener('activate', event => {
  event.waitUntil(Promise.all([forgetOthers(), self.clients.claim()]));
});

self.addEventListener('fetch', event => {
  const { origin, pathname } = new URL(event.request.url);
  const file = FORGELENS_FILES.find(({ path }) => addressOf(path) === origin + pathname);
  if (file && event.request.method === 'GET') event.respondWith(serve(file));
});

/** The file from the cache, or from the network into the cache. */
async function serve(file: KeptFile): Promise<Response> {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(keyOf(file));
  if (kept) return kept;
  const response = await fetch(addressOf(file.path), { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${file.path}: ${response.status} ${response.statusText}`);
  const body = await response.arrayBuffer();
  if ((await sha256Of(body)) !== file.sha256) throw new Error(`${file.path} is not what it was when this was built`);
  const headers = new Headers(response.headers);
  // It is no longer compressed.
  headers.delete('Content-Encoding');
  headers.delete('Content-Length');
  await cache.put(keyOf(file), new Response(body, { headers }));
  return new Response(body, { headers });
}

async function sha256Of(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Deletes what earlier versions kept and this one does not know. */
async function forgetOthers(): Promise<void> {
  const cache = await caches.open(cacheName);
  const known = new Set(FORGELENS_FILES.map(keyOf));
  for (const { url } of await cache.keys()) if (!known.has(url)) await cache.delete(url);
}
