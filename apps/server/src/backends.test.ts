import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Analyses, Entry } from './analyses.ts';
import { MemoryAnalyses } from './memory-analyses.ts';
import type { AnalysisResource } from './openapi.ts';
import { RedisAnalyses } from './redis-analyses.ts';
import { SqliteAnalyses } from './sqlite-analyses.ts';
import { hasRedis, serverProcess, startRedis, temporaryFolder } from './testing/processes.ts';
import { formOf, patched, post, problem, testServer } from './testing/server.ts';

const limits = { keepMs: 300, maxStoredBytes: 1e6 };
const needsRedis = 'Redis (skipped where redis-server is not installed)';

async function openRedis(): Promise<Analyses> {
  const redis = new Redis((await startRedis()).socket);
  const analyses = await RedisAnalyses.open(redis, limits);
  onTestFinished(() => void redis.disconnect());
  return analyses;
}

describe.each([
  { place: 'memory', open: () => new MemoryAnalyses(limits) },
  { place: 'a file of SQLite', open: () => new SqliteAnalyses(join(temporaryFolder(), 'results.sqlite'), limits) },
  { place: needsRedis, open: openRedis },
])('analyses in $place', ({ place, open }) => {
  test.skipIf(place === needsRedis && !hasRedis)('are added once, change, end, are told of, and expire', async () => {
    const analyses = await open();
    onTestFinished(() => analyses.close());
    const job = { id: 'a', bytes: Uint8Array.of(0, 255, 10), name: 'ä.png', threshold: 0.25, evidence: true };
    const times = { createdAt: 1000, expiresAt: 2000 };
    const entry: Entry = { id: 'a', owner: null, requestSha256: 'f00', ...times, state: { status: 'queued' } };
    expect(await analyses.find('a')).toBeUndefined();
    expect([await analyses.create(entry, job), await analyses.create(entry, job)]).toEqual([true, false]);
    expect(await analyses.find('a')).toEqual(entry);
    const kept = (await analyses.jobOf('a'))!;
    expect({ ...kept, bytes: [...kept.bytes] }).toEqual({ ...job, bytes: [0, 255, 10] });

    const told: (string | undefined)[] = [];
    const forget = analyses.listen('a', changed => told.push(changed?.state.status));
    const progress = { stage: 'locate', done: 1, total: 2 } as const;
    await analyses.set('a', { status: 'running', progress });
    expect((await analyses.find('a'))!.state).toEqual({ status: 'running', progress });
    await vi.waitFor(() => expect(told).toEqual(['running']));

    const files = { 'result.json': Uint8Array.of(123, 125), 'maps/map.png': Uint8Array.of(0, 200) };
    await analyses.set('a', { status: 'done', files: Object.keys(files) }, files);
    const ended = (await analyses.find('a'))!;
    expect(ended.state).toEqual({ status: 'done', files: ['result.json', 'maps/map.png'] });
    expect([...(await analyses.file('a', 'maps/map.png'))!]).toEqual([0, 200]);
    expect(await analyses.file('a', 'maps/other.png')).toBeUndefined();
    expect(await analyses.jobOf('a')).toBeUndefined();
    await vi.waitFor(async () => expect(await analyses.find('a')).toBeUndefined(), { timeout: 60_000 });
    expect(await analyses.file('a', 'result.json')).toBeUndefined();

    await analyses.create({ ...entry, id: 'b' }, { ...job, id: 'b' });
    analyses.listen('b', changed => told.push(changed?.state.status ?? 'gone'));
    await analyses.delete('b');
    await analyses.set('b', { status: 'running', progress: null });
    await vi.waitFor(() => expect(told.at(-1)).toBe('gone'));
    expect(await analyses.find('b')).toBeUndefined();
    forget();
  });
});

/** Of tests that start processes, on a busy machine. */
const slow = { timeout: 240_000 };

const picture = await patched().png().toBuffer();
const small = () => formOf(picture, { evidence: 'false' });
const noWait = { Prefer: 'respond-async' };
const resource = async (response: Response | Promise<Response>) => (await (await response).json()) as AnalysisResource;

describe('a file of SQLite', () => {
  test(
    'keeps results and what waits when the server is killed, and the next server does what waits',
    slow,
    async () => {
      const store = join(temporaryFolder(), 'results.sqlite');
      const killed = await serverProcess({ store });
      const send = async () =>
        resource(fetch(`${killed.url}/v1/analyses`, { method: 'POST', body: small(), headers: noWait }));
      const accepted = [await send(), await send(), await send()];
      killed.kill('SIGKILL');
      await killed.exited;

      const next = await testServer({ store });
      for (const { links } of accepted) {
        await (await next.app.request(links.events)).text();
        const { status, result } = await resource(next.app.request(links.self));
        expect([status, result!.regions.length]).toEqual(['done', 1]);
        expect((await next.app.request(links.report)).status).toBe(200);
      }
      await next.close();
      const third = await testServer({ store });
      expect((await resource(third.app.request(accepted[0]!.links.self))).status).toBe('done');
    },
  );

  test('forgets the oldest where it grows too large', async () => {
    const server = await testServer({ store: join(temporaryFolder(), 'results.sqlite'), maxStoredBytes: 1 });
    const first = await resource(post(server, small()));
    const second = await resource(post(server, small()));
    expect((await server.app.request(first.links.self)).status).toBe(404);
    expect((await server.app.request(second.links.self)).status).toBe(200);
  });

  test('is for one server at a time, and only of this program', async () => {
    const folder = temporaryFolder();
    const refusal = (name: string) => {
      try {
        void new SqliteAnalyses(join(folder, name), limits).close();
        return 'taken';
      } catch (error) {
        return String(error).replaceAll(folder, '');
      }
    };
    const open = new SqliteAnalyses(join(folder, 'open.sqlite'), limits);
    // As a server that is there has another id than this process.
    writeFileSync(join(folder, 'open.sqlite.pid'), String(process.ppid));
    writeFileSync(
      join(folder, 'text.sqlite'),
      'This is a text, and long enough to be read as the head of a file. '.repeat(20),
    );
    mkdirSync(join(folder, 'left-behind.sqlite.lock'));
    expect([
      refusal('open.sqlite'),
      refusal('text.sqlite'),
      refusal('no/such/folder.sqlite'),
      refusal('left-behind.sqlite'),
    ]).toMatchInlineSnapshot(`
      [
        "UsageError: cannot keep results in /open.sqlite (another server has it open); name another file",
        "UsageError: cannot keep results in /text.sqlite (file is not a database); name another file",
        "UsageError: cannot keep results in /no/such/folder.sqlite (Could not open the database "/no/such/folder.sqlite"); name another file",
        "taken",
      ]
    `);
    await open.close();
    expect(refusal('open.sqlite')).toBe('taken');
  });
});

describe.skipIf(!hasRedis)(`servers that share ${needsRedis}`, () => {
  test('know the same, and what one is told stops what another does', async () => {
    const { socket: redis } = await startRedis();
    const one = await testServer({ redis });
    const { id, links } = await resource(post(one, small()));
    const other = await testServer({ redis }, () => 'hang');
    expect((await other.app.request(links.report)).status).toBe(200);
    const events = await (await other.app.request(links.events)).text();
    expect(events).toContain('event: done');
    expect((await other.app.request(links.self, { method: 'DELETE' })).status).toBe(204);
    expect((await one.app.request(links.self)).status).toBe(404);
    expect(id).toMatch(/^[\da-f-]{36}$/);

    await one.drain();
    const hanging = await resource(post(other, small(), noWait));
    await vi.waitFor(() => expect(other.pool.counts.running).toBe(1), { timeout: 60_000 });
    expect((await one.app.request(hanging.links.self, { method: 'DELETE' })).status).toBe(204);
    await vi.waitFor(() => expect(other.pool.counts.running).toBe(0), { timeout: 60_000 });
  });

  test('lose no accepted picture when one of them is killed', slow, async () => {
    const { socket: redis } = await startRedis();
    const shared = { redis, lostAfterMs: 1000 };
    const killed = await serverProcess(shared);
    const send = async () =>
      resource(fetch(`${killed.url}/v1/analyses`, { method: 'POST', body: small(), headers: noWait }));
    const accepted = [await send(), await send(), await send(), await send()];
    const statusOf = async (url: string) => (await resource(fetch(killed.url + url))).status;
    await vi.waitFor(async () => expect(await statusOf(accepted[0]!.links.self)).toBe('running'), { timeout: 60_000 });
    const other = await testServer(shared);
    killed.kill('SIGKILL');
    await killed.exited;
    for (const { links } of accepted) {
      await (await other.app.request(links.events)).text();
      expect((await resource(other.app.request(links.self))).status).toBe('done');
      expect((await other.app.request(links.report)).status).toBe(200);
    }
  });

  test('leave what they cannot end in time to each other', slow, async () => {
    const { socket: redis } = await startRedis();
    const closing = await serverProcess({ redis, drainMs: 300 });
    const sent = fetch(`${closing.url}/v1/analyses`, { method: 'POST', body: small(), headers: noWait });
    const { links } = await resource(sent);
    closing.kill('SIGTERM');
    expect(await closing.exited).toEqual([0, null]);
    const other = await testServer({ redis });
    await (await other.app.request(links.events)).text();
    expect((await resource(other.app.request(links.self))).status).toBe('done');
  });

  test('say so when Redis is gone, and refuse to start without it', async () => {
    const { socket, stop } = await startRedis();
    const { app } = await testServer({ redis: socket });
    expect((await app.request('/readyz')).status).toBe(200);
    stop();
    const gone = '503 unavailable: Redis does not answer';
    await vi.waitFor(async () => expect(await problem(app.request('/readyz'))).toBe(gone), { timeout: 60_000 });
    expect(await problem(post({ app }, small()))).toBe(gone);
    expect(await problem(app.request('/v1/analyses/00000000-0000-4000-8000-000000000000'))).toBe(gone);
    expect((await app.request('/healthz')).status).toBe(200);
    await expect(testServer({ redis: '/no/such/socket' })).rejects.toThrow(
      'no Redis answers at /no/such/socket (connect ENOENT /no/such/socket); start one, or name another',
    );
    await expect(testServer({ redis: '/a', store: '/b' })).rejects.toThrow(
      'results are kept in a file or in Redis, not in both; leave one away',
    );
  });
});

test('SIGTERM: a server takes no more, ends what was begun, lets it be fetched, and ends', slow, async () => {
  const server = await serverProcess({});
  const request = (path: string, init?: RequestInit) => fetch(server.url + path, init);
  const send = () => request('/v1/analyses', { method: 'POST', body: small(), headers: noWait });
  const { links } = await resource(send());
  server.kill('SIGTERM');
  await vi.waitFor(async () => expect((await request('/readyz')).status).toBe(503), { timeout: 60_000 });
  expect((await send()).status).toBe(503);
  expect((await request('/healthz')).status).toBe(200);
  server.look();
  await (await request(links.events)).text();
  expect((await request(links.report)).status).toBe(200);
  expect(await server.exited).toEqual([0, null]);
});
