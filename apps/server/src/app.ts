import { createHash, timingSafeEqual } from 'node:crypto';
import { formatAnalysis } from '@forgelens/analysis';
import type { ModelCard } from '@forgelens/localize';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { routePath } from 'hono/route';
import type { Entry } from './analyses.ts';
import { Analyses, isEnded } from './analyses.ts';
import { linksOf } from './links.ts';
import { createMetrics } from './metrics.ts';
import type { AnalysisResource } from './openapi.ts';
import { openApi } from './openapi.ts';
import { Problem, problemOf } from './problems.ts';
import type { Queue } from './queue.ts';
import type { Settings } from './settings.ts';
import { readUpload } from './upload.ts';

export interface AppOptions {
  readonly settings: Settings;
  readonly queue: Queue;
  /** The id of the model that looks at pictures. */
  readonly model: string;
  readonly cards: () => Promise<readonly ModelCard[]>;
  /** Told of faults: what happened, with its stack. */
  readonly log: (text: string) => void;
  /** Whether to measure the process itself, too. */
  readonly measuresProcess?: boolean;
}

type Variables = { owner: string | null };

/** A server without its socket. */
export function createApp({ settings, queue, model, cards, log, measuresProcess = false }: AppOptions) {
  const analyses = new Analyses(settings);
  const metrics = createMetrics(queue, analyses, measuresProcess);
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
    return new Problem('fault', 'the request could not be answered; the server has noted why').response;
  });
  app.notFound(
    c => new Problem('not-found', `there is no ${c.req.path}; GET /openapi.json tells what there is`).response,
  );

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
    if (!queue.isReady) throw new Problem('closing', 'the model is not loaded yet', { 'Retry-After': '5' });
    return Response.json({ status: 'ready', model });
  });
  app.get('/metrics', async () => {
    const { registry } = metrics;
    return new Response(await registry.metrics(), { headers: { 'Content-Type': registry.contentType } });
  });
  app.get('/v1/models', async c =>
    c.json({ models: (await cards()).map(card => ({ ...card, isServed: card.id === model })) }),
  );

  app.post('/v1/analyses', async c => {
    if (closing)
      throw new Problem('closing', 'no more pictures are taken; ask another server', { 'Retry-After': '30' });
    const { waiting, running } = queue.counts;
    // A place is held while the picture comes in, so that no upload is for nothing.
    if (waiting + uploading >= settings.maxWaiting + settings.workers - running) {
      const seconds = Math.ceil(((waiting + 1) * queue.meanJobMs) / settings.workers / 1000);
      throw new Problem(
        'queue-full',
        `no place is free: ${waiting + uploading} waiting already; try again in ${seconds} s`,
        { 'Retry-After': String(seconds) },
      );
    }
    uploading++;
    const upload = await readUpload(c, settings.maxBytes).finally(() => uploading--);
    const entry = analyses.create(c.var.owner);
    let startedAt = 0;
    queue.add(
      { id: entry.id, ...upload },
      {
        started: () => {
          startedAt = performance.now();
          analyses.update(entry, { status: 'running' });
        },
        progress: progress => analyses.update(entry, { progress }),
        done(product) {
          metrics.ended.inc({ outcome: 'done' });
          metrics.seconds.observe((performance.now() - startedAt) / 1000);
          analyses.update(entry, { status: 'done', product });
        },
        failed(failure) {
          metrics.ended.inc({ outcome: failure.kind });
          if (failure.kind === 'fault') log(`analysis ${entry.id}: ${failure.message}`);
          analyses.update(entry, { status: 'failed', problem: problemOf(failure) });
        },
      },
    );
    const wantsNoWait = /\brespond-async\b/.test(c.req.header('prefer') ?? '');
    await analyses.ended(entry, wantsNoWait ? 0 : settings.quickMs);
    const { self } = linksOf(entry.id);
    entry.seen = isEnded(entry);
    if (entry.problem) throw entry.problem;
    if (entry.status === 'done') {
      return c.json(resourceOf(entry), 200, { 'Content-Location': self });
    }
    return c.json(resourceOf(entry), 202, { Location: self, 'Retry-After': '2' });
  });

  /** @throws {Problem} when there is no such analysis for who asks */
  function entryOf(c: Context<{ Variables: Variables }>): Entry {
    const id = c.req.param('id')!;
    const entry = analyses.find(id, c.var.owner);
    if (entry) return entry;
    const minutes = Math.round(settings.keepMs / 60_000);
    throw new Problem('not-found', `there is no analysis ${id.slice(0, 40)}; results are kept for ${minutes} min`);
  }

  /** What was made of a picture. @throws {Problem} when it is not there, or never will be */
  function productOf(c: Context<{ Variables: Variables }>) {
    const entry = entryOf(c);
    entry.seen = isEnded(entry);
    if (entry.problem) throw entry.problem;
    if (entry.product === null)
      throw new Problem('not-ready', `the analysis is ${entry.status}; follow ${linksOf(entry.id).events}`, {
        'Retry-After': '2',
      });
    return entry.product;
  }

  app.get('/v1/analyses/:id', c => {
    const entry = entryOf(c);
    entry.seen = isEnded(entry);
    return c.json(resourceOf(entry));
  });
  app.delete('/v1/analyses/:id', c => {
    const entry = entryOf(c);
    if (!isEnded(entry)) queue.cancel(entry.id);
    analyses.delete(entry);
    return c.body(null, 204);
  });
  app.get('/v1/analyses/:id/result.json', c =>
    c.body(formatAnalysis(productOf(c).analysis), 200, { 'Content-Type': 'application/json' }),
  );
  app.get('/v1/analyses/:id/report.html', c =>
    c.html(productOf(c).report, 200, {
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups",
    }),
  );
  app.get('/v1/analyses/:id/maps/:name', c => {
    const { pictures } = productOf(c);
    const name = c.req.param('name');
    const key = Object.keys(pictures).find(key => `${key}.png` === name);
    if (key === undefined)
      throw new Problem('not-found', `there is no such map; there are ${Object.keys(pictures).join(', ')} (.png)`);
    return c.body(pictures[key]! as Uint8Array<ArrayBuffer>, 200, { 'Content-Type': 'image/png' });
  });

  app.get('/v1/analyses/:id/events', c => {
    const entry = entryOf(c);
    return streamSSE(c, async stream => {
      let wake = () => {};
      let changed = true;
      const forget = analyses.listen(entry, () => {
        changed = true;
        wake();
      });
      stream.onAbort(() => wake());
      const beat = setInterval(() => void stream.write(': still there\n\n'), 15_000);
      try {
        while (!stream.aborted) {
          if (changed) {
            changed = false;
            // Without the result, which may be large: whoever listens fetches it.
            await stream.writeSSE({
              event: entry.status,
              data: JSON.stringify({ ...resourceOf(entry), result: null }),
            });
          }
          if (isEnded(entry) || analyses.find(entry.id, entry.owner) === undefined) break;
          // What changes while an event is written is told next.
          if (!changed) await new Promise<void>(resolve => (wake = resolve));
        }
      } finally {
        clearInterval(beat);
        forget();
      }
    });
  });

  app.get('/openapi.json', c => c.json(openApi({ hasKeys: keys.length > 0 })));

  return {
    app,
    /** Takes no more pictures, and waits until those that were taken are done and were fetched, as long as is allowed. */
    drain: async (): Promise<void> => {
      closing = true;
      const deadline = Date.now() + settings.drainMs;
      let isLate = false;
      const late = new Promise<void>(resolve => {
        setTimeout(() => {
          isLate = true;
          resolve();
        }, settings.drainMs).unref();
      });
      while (uploading > 0 && Date.now() < deadline) await pause(50);
      await Promise.race([queue.idle(), late]);
      while (!isLate && analyses.unseen > 0 && Date.now() < deadline) await pause(50);
    },
  };
}

function resourceOf({ id, status, createdAt, expiresAt, progress, product, problem }: Entry): AnalysisResource {
  const { self, ...links } = linksOf(id);
  return {
    ...{ id, status, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString(), progress },
    problem: problem?.body ?? null,
    result: product?.analysis ?? null,
    links: {
      ...{ self, ...links },
      maps: Object.keys(product?.pictures ?? {}).map(key => `${self}/maps/${key}.png`),
    },
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
