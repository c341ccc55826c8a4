import { once } from 'node:events';
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Analysis } from '@forgelens/analysis';
import type { ModelCard } from '@forgelens/localize';
import { pageFolder } from '@forgelens/web/folder';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { routePath } from 'hono/route';
import type { Entry } from './analyses.ts';
import { isEnded, whenEnded } from './analyses.ts';
import type { Backend } from './backend.ts';
import { files, linksOf, mapsFolder } from './links.ts';
import type { AnalysisResource } from './openapi.ts';
import { openApi } from './openapi.ts';
import { servePage } from './page.ts';
import { Problem, problemOf } from './problems.ts';
import type { Settings } from './settings.ts';
import type { Upload } from './upload.ts';
import { readUpload } from './upload.ts';

export interface AppOptions {
  readonly settings: Settings;
  readonly backend: Pick<Backend, 'analyses' | 'queue' | 'metrics'>;
  /** The id of the model that looks at pictures. */
  readonly model: string;
  readonly cards: () => Promise<readonly ModelCard[]>;
  /** Told of faults: what happened, with its stack. */
  readonly log: (text: string) => void;
}

type Variables = { owner: string | null };

/** A server without its socket. */
export function createApp({ settings, backend, model, cards, log }: AppOptions) {
  const { analyses, queue, metrics } = backend;
  const keys = settings.apiKeys.map(digest);
  const app = new Hono<{ Variables: Variables }>();
  let uploading = 0;
  let closing = false;

  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    c.header('X-Content-Type-Options', 'nosniff');
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
    const labels = { route: routePath(c, -1), method: c.req.method, status: c.res.status };
    metrics.requests.observe(labels, (performance.now() - start) / 1000);
  });

  app.onError((error, c) => {
    if (error instanceof Problem) return error.response;
    log(`${c.req.method} ${c.req.path}: ${error.stack ?? error.message}`);
    if (queue.problem !== null) return unavailable().response;
    return new Problem('fault', 'the request could not be answered; the server has noted why').response;
  });
  app.notFound(
    c => new Problem('not-found', `there is no ${c.req.path}; GET /openapi.json tells what there is`).response,
  );

  const unavailable = () =>
    new Problem('unavailable', queue.problem ?? 'the model is not loaded yet', { 'Retry-After': '5' });

  /** Who asks: null where no keys are needed. @throws {Problem} when the key is missing or wrong */
  function ownerOf(authorization = ''): string | null {
    if (keys.length === 0) return null;
    const [, given] = /^Bearer\s+(\S+)$/i.exec(authorization) ?? [];
    const key = given === undefined ? undefined : keys.find(known => timingSafeEqual(known, digest(given)));
    if (key === undefined)
      throw new Problem(
        'unauthorized',
        `the API key is ${given === undefined ? 'missing' : 'not known here'}; send it as "Authorization: Bearer <key>"`,
        { 'WWW-Authenticate': 'Bearer' },
      );
    return key.toString('hex');
  }
  for (const path of ['/v1/*', '/metrics'])
    app.use(path, async (c, next) => {
      c.set('owner', ownerOf(c.req.header('authorization')));
      await next();
    });

  app.get('/healthz', c => c.json({ status: 'ok' }));
  app.get('/readyz', () => {
    if (closing) throw new Problem('closing', 'no more pictures are taken');
    if (queue.problem !== null || !queue.isReady) throw unavailable();
    return Response.json({ status: 'ready', model });
  });
  app.get('/metrics', async () => {
    const { registry } = metrics;
    return new Response(await registry.metrics(), { headers: { 'Content-Type': registry.contentType } });
  });
  app.get('/v1/models', async c =>
    c.json({ models: (await cards()).map(card => ({ ...card, isServed: card.id === model })) }),
  );

  /** Takes a picture; a place is held while it comes in, so that no upload is for nothing. */
  async function accept(c: Context<{ Variables: Variables }>): Promise<Entry> {
    try {
      uploading++;
      const { waiting, running } = await queue.counts();
      if (waiting + uploading > settings.maxWaiting + settings.workers - running) {
        const seconds = Math.ceil(((waiting + 1) * queue.meanJobMs) / settings.workers / 1000);
        throw new Problem(
          'queue-full',
          `no place is free: ${waiting + uploading - 1} waiting already; try again in ${seconds} s`,
          { 'Retry-After': String(seconds) },
        );
      }
      const upload = await readUpload(c, settings);
      const entry = newEntry(c.var.owner, upload, c.req.header('idempotency-key'), settings.keepMs);
      const job = { id: entry.id, ...upload };
      if (await analyses.create(entry, job)) {
        await queue.add(job);
        return entry;
      }
      const earlier = (await analyses.find(entry.id)) ?? entry;
      if (earlier.requestSha256 !== entry.requestSha256)
        throw new Problem('key-reused', 'this Idempotency-Key came with another picture before; take a new one');
      // Whoever took it may have ended before it was in the queue.
      if (earlier.state.status === 'queued') await queue.add(job);
      return earlier;
    } finally {
      uploading--;
    }
  }

  app.post('/v1/analyses', async c => {
    if (closing)
      throw new Problem('closing', 'no more pictures are taken; ask another server', { 'Retry-After': '30' });
    if (queue.problem !== null) throw unavailable();
    const { id } = await accept(c);
    const wantsNoWait = /\brespond-async\b/.test(c.req.header('prefer') ?? '');
    const entry = await whenEnded(analyses, id, wantsNoWait ? 0 : settings.quickMs);
    if (entry === undefined) throw noSuch(id);
    const { self } = linksOf(id);
    if (!isEnded(entry)) return c.json(await resourceOf(entry), 202, { Location: self, 'Retry-After': '2' });
    analyses.see(id);
    if (entry.state.status === 'failed') throw problemOf(entry.state.failure);
    return c.json(await resourceOf(entry), 200, { 'Content-Location': self });
  });

  function noSuch(id: string): Problem {
    const minutes = Math.round(settings.keepMs / 60_000);
    return new Problem('not-found', `there is no analysis ${id.slice(0, 40)}; results are kept for ${minutes} min`);
  }

  /** @throws {Problem} when there is no such analysis for who asks */
  async function entryOf(c: Context<{ Variables: Variables }>): Promise<Entry> {
    const id = c.req.param('id')!;
    const entry = await analyses.find(id);
    if (entry === undefined || entry.owner !== c.var.owner) throw noSuch(id);
    if (isEnded(entry)) analyses.see(id);
    return entry;
  }

  /** A file that was made of a picture. @throws {Problem} when it is not there, or never will be */
  async function fileOf(c: Context<{ Variables: Variables }>, name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { id, state } = await entryOf(c);
    if (state.status === 'failed') throw problemOf(state.failure);
    if (state.status !== 'done')
      throw new Problem('not-ready', `the analysis is ${state.status}; follow ${linksOf(id).events}`, {
        'Retry-After': '2',
      });
    const file = state.files.includes(name) ? await analyses.file(id, name) : undefined;
    if (file !== undefined) return file as Uint8Array<ArrayBuffer>;
    throw new Problem('not-found', `there is no such map; there are ${mapsOf(state.files).join(', ')}`);
  }

  async function resourceOf({ id, createdAt, expiresAt, state }: Entry): Promise<AnalysisResource> {
    const { self, ...links } = linksOf(id);
    const result = state.status === 'done' ? await analyses.file(id, files.result) : undefined;
    return {
      ...{ id, status: state.status },
      ...{ createdAt: new Date(createdAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() },
      progress: state.status === 'running' ? state.progress : null,
      problem: state.status === 'failed' ? problemOf(state.failure).body : null,
      result: result === undefined ? null : (JSON.parse(new TextDecoder().decode(result)) as Analysis),
      links: {
        ...{ self, ...links },
        maps: mapsOf(state.status === 'done' ? state.files : []).map(name => `${self}/maps/${name}`),
      },
    };
  }

  app.get('/v1/analyses/:id', async c => c.json(await resourceOf(await entryOf(c))));
  app.delete('/v1/analyses/:id', async c => {
    const entry = await entryOf(c);
    await analyses.delete(entry.id);
    if (!isEnded(entry)) await queue.cancel(entry.id);
    return c.body(null, 204);
  });
  app.get('/v1/analyses/:id/result.json', async c =>
    c.body(await fileOf(c, files.result), 200, { 'Content-Type': 'application/json' }),
  );
  app.get('/v1/analyses/:id/report.html', async c =>
    c.body(await fileOf(c, files.report), 200, {
      'Content-Type': 'text/html; charset=UTF-8',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups",
    }),
  );
  app.get('/v1/analyses/:id/maps/:name', async c =>
    c.body(await fileOf(c, `${mapsFolder}${c.req.param('name')}`), 200, { 'Content-Type': 'image/png' }),
  );

  app.get('/v1/analyses/:id/events', async c => {
    const { id } = await entryOf(c);
    return streamSSE(c, async stream => {
      const changes: (Entry | undefined)[] = [];
      let wake = () => {};
      const forget = analyses.listen(id, entry => {
        changes.push(entry);
        wake();
      });
      stream.onAbort(() => wake());
      const beat = setInterval(() => void stream.write(': still there\n\n'), 15_000);
      try {
        let entry = await analyses.find(id);
        while (entry !== undefined && !stream.aborted) {
          // Without the result, which may be large: whoever listens fetches it.
          const resource = { ...(await resourceOf(entry)), result: null };
          await stream.writeSSE({ event: entry.state.status, data: JSON.stringify(resource) });
          if (isEnded(entry)) break;
          // What changes while an event is written is told next.
          if (changes.length === 0) await new Promise<void>(resolve => (wake = resolve));
          if (changes.length > 0) entry = changes.shift();
        }
      } finally {
        clearInterval(beat);
        forget();
      }
    });
  });

  app.get('/openapi.json', c => c.json(openApi({ hasKeys: keys.length > 0, fetchUrls: settings.fetchUrls })));
  servePage(app, pageFolder);

  return {
    app,
    /** Takes no more pictures, and waits until those that were taken are done and were fetched, as long as is allowed. */
    drain: async (): Promise<void> => {
      closing = true;
      const late = AbortSignal.timeout(settings.drainMs);
      while (uploading > 0 && !late.aborted) await sleep(50);
      if (!late.aborted) await Promise.race([queue.drain(), once(late, 'abort')]);
      while (analyses.unseen > 0 && !late.aborted) await sleep(50);
    },
  };
}

export type ServerApp = ReturnType<typeof createApp>;

/** What is known of a picture that has just come. One that comes again with its key has the same id. */
function newEntry(owner: string | null, upload: Upload, key: string | undefined, keepMs: number): Entry {
  if (key !== undefined && !/^[\x21-\x7e]{1,200}$/.test(key))
    throw new Problem('bad-request', 'the Idempotency-Key must have 1 to 200 characters without spaces');
  const { bytes, name, threshold, evidence } = upload;
  const createdAt = Date.now();
  return {
    id: key === undefined ? randomUUID() : uuidOf(digest(JSON.stringify([owner, key]))),
    owner,
    requestSha256: createHash('sha256')
      .update(JSON.stringify({ name, threshold, evidence }))
      .update(bytes)
      .digest('hex'),
    ...{ createdAt, expiresAt: createdAt + keepMs, state: { status: 'queued' } },
  };
}

/** A UUID of version 8, https://www.rfc-editor.org/rfc/rfc9562#section-5.8. */
function uuidOf(hash: Buffer): string {
  const bytes = Buffer.from(hash.subarray(0, 16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const mapsOf = (names: readonly string[]): string[] =>
  names.filter(name => name.startsWith(mapsFolder)).map(name => name.slice(mapsFolder.length));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
