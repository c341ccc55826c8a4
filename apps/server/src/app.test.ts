import { decodeMap16 } from '@forgelens/imaging';
import { parseAnalysis } from '@forgelens/analysis';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AnalysisResource } from './openapi.ts';
import { formOf, patched, post, problem, testServer } from './testing/server.ts';
import { labelOf } from './upload.ts';

const picture = await patched().png().toBuffer();
const noEvidence = { evidence: 'false' };
const small = () => formOf(picture, noEvidence);
const resource = async (response: Response) => (await response.json()) as AnalysisResource;

describe('a picture that is sent', () => {
  test('is looked at, and all that was made of it can be fetched', async () => {
    const server = await testServer();
    const response = await post(server, formOf(picture, { threshold: '0.7' }));
    expect(response.status).toBe(200);
    const { id, status, result, links } = await resource(response);
    expect(response.headers.get('content-location')).toBe(`/v1/analyses/${id}`);
    expect(status).toBe('done');
    expect(result!.protocol.threshold).toBe(0.7);
    expect(result!.regions[0]!.bbox).toEqual([30, 40, 20, 10]);
    expect(result!.evidence!.length).toBeGreaterThan(0);

    const get = async (path: string) => {
      const answer = await server.app.request(path);
      expect([path, answer.status]).toEqual([path, 200]);
      return answer;
    };
    expect(parseAnalysis(await (await get(links.result)).text())).toEqual(result);
    const report = await get(links.report);
    expect(report.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await report.text()).toContain(result!.input.sha256);
    const map = await get(new URL(result!.maps.map.file, `http://host${links.result}`).pathname);
    expect(map.headers.get('content-type')).toBe('image/png');
    const { probabilities } = await decodeMap16(new Uint8Array(await map.arrayBuffer()), 'map');
    expect(probabilities[45 * 100 + 40]).toBe(1);
    for (const link of links.maps) await get(link);
    expect((await server.app.request(links.self, { method: 'DELETE' })).status).toBe(204);
    expect((await server.app.request(links.self)).status).toBe(404);
  });

  test('is answered at once when the client asks for it, and its progress is told as it comes', async () => {
    let go = () => {};
    const server = await testServer({}, () => new Promise(resolve => (go = () => resolve('look'))));
    const response = await post(server, small(), { Prefer: 'respond-async' });
    expect(response.status).toBe(202);
    const { id, status, links } = await resource(response);
    expect(response.headers.get('location')).toBe(`/v1/analyses/${id}`);
    expect(status).toBe('running');
    expect(await problem(server.app.request(links.report))).toBe(
      `409 not-ready: the analysis is running; follow /v1/analyses/${id}/events`,
    );
    const events = server.app.request(links.events);
    go();
    const text = await (await events).text();
    expect([...new Set([...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name))]).toEqual(['running', 'done']);
    expect(text).toContain('"stage":"locate"');
    expect((await resource(await server.app.request(links.self))).result!.regions).toHaveLength(1);
  });

  test('is looked at once where it comes again with its Idempotency-Key, and another is not taken for it', async () => {
    let times = 0;
    const server = await testServer({}, () => (times++, 'look'));
    const key = { 'Idempotency-Key': 'order-66' };
    const first = await resource(await post(server, small(), key));
    const again = await resource(await post(server, small(), key));
    expect([again.id, again.status, times]).toEqual([first.id, 'done', 1]);
    expect((await resource(await post(server, small(), { 'Idempotency-Key': 'order-67' }))).id).not.toBe(first.id);
    expect([
      await problem(post(server, formOf(picture, { ...noEvidence, threshold: '0.7' }), key)),
      await problem(post(server, small(), { 'Idempotency-Key': 'with space' })),
    ]).toMatchInlineSnapshot(`
      [
        "422 key-reused: this Idempotency-Key came with another picture before; take a new one",
        "400 bad-request: the Idempotency-Key must have 1 to 200 characters without spaces",
      ]
    `);
  });

  test('keeps its name as a label only', async () => {
    const server = await testServer();
    const named = async (name: string) =>
      (await resource(await post(server, formOf(picture, noEvidence, name)))).result!.input.name;
    expect(await named('../../etc/passwd')).toBe('passwd');
    expect(labelOf('C:\\Users\\me\\photo.png')).toBe('photo.png');
    expect(labelOf('no\u0000te\u202E.exe\r\n')).toBe('note.exe');
    expect(labelOf('..')).toBe('picture');
    expect(labelOf('x'.repeat(5000))).toHaveLength(200);
  });

  test('is forgotten after a while, and the oldest goes first where memory is short', async () => {
    const brief = await testServer({ keepMs: 60_000 });
    const { links } = await resource(await post(brief, small()));
    expect((await brief.app.request(links.report)).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(await problem(brief.app.request(links.self))).toMatch(/404 not-found: .*results are kept for 1 min/);
    const tight = await testServer({ maxStoredBytes: 1 });
    const first = await resource(await post(tight, small()));
    const second = await resource(await post(tight, small()));
    expect((await tight.app.request(first.links.self)).status).toBe(404);
    expect((await tight.app.request(second.links.self)).status).toBe(200);
  });
});

describe('refused is', () => {
  test('a request that is not one picture in a form', async () => {
    const server = await testServer({ maxBytes: 20_000 });
    const two = small();
    two.append('file', new File(['x'], 'b.png'));
    const text = new FormData();
    text.append('file', 'photo.png');
    const type = { 'Content-Type': 'multipart/form-data; boundary=x' };
    const large = (headers: Readonly<Record<string, string>> = {}) =>
      post(server, formOf(new Uint8Array(30_000)), headers);
    expect([
      await problem(post(server, picture, { 'Content-Type': 'image/png' })),
      await problem(post(server, '{"url": "http://localhost"}', { 'Content-Type': 'application/json' })),
      await problem(post(server, new FormData())),
      await problem(post(server, two)),
      await problem(post(server, text)),
      await problem(post(server, formOf(new Uint8Array(0)))),
      await problem(post(server, formOf(picture, { model: 'other' }))),
      await problem(post(server, formOf(picture, { threshold: '1' }))),
      await problem(post(server, formOf(picture, { evidence: 'maybe' }))),
      await problem(post(server, '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc', type)),
      await problem(large()),
      await problem(large({ 'Content-Length': '30000' })),
    ]).toMatchInlineSnapshot(`
      [
        "415 wrong-type: the content type is image/png; send the picture as the field "file" of a multipart/form-data form",
        "415 wrong-type: the content type is application/json; send the picture as the field "file" of a multipart/form-data form",
        "400 bad-request: there is no field "file"; send exactly one picture",
        "400 bad-request: there are 2 fields "file"; send exactly one picture",
        "400 bad-request: there is a text in the field "file", not a file; send exactly one picture",
        "400 bad-request: the file is empty; send a picture",
        "400 bad-request: there is no field "model"; the fields are file, threshold and evidence",
        "400 bad-request: the field "threshold" must be at least 0 and less than 1, such as 0.5",
        "400 bad-request: the field "evidence" must be true or false",
        "400 bad-request: the form is broken: its parts do not end where the boundary says",
        "413 too-large: the request has more than 20000 bytes, which is the most that is taken",
        "413 too-large: the request has more than 20000 bytes, which is the most that is taken",
      ]
    `);
    expect(server.pool.counts).toMatchObject({ waiting: 0, running: 0 });
  });

  test('what is no picture, is broken, or grows too large', async () => {
    const server = await testServer({ maxPixels: 1e6, maxFrames: 1 });
    const refusal = (bytes: Uint8Array) => problem(post(server, formOf(bytes, noEvidence)));
    const black = { create: { width: 6000, height: 6000, channels: 3 as const, background: 'black' } };
    const jpeg = await sharp({
      create: { ...black.create, width: 300, height: 300, noise: { type: 'gaussian', mean: 128, sigma: 30 } },
    })
      .jpeg()
      .toBuffer();
    const other = await patched().negate().png().toBuffer();
    const frames = await sharp([picture, other], { join: { animated: true } })
      .webp()
      .toBuffer();
    const bomb = await sharp(black).png().toBuffer();
    expect(bomb.length).toBeLessThan(200_000);
    expect([
      await refusal(new TextEncoder().encode('This is a text.')),
      await refusal(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')),
      await refusal(jpeg.subarray(0, jpeg.length / 2)),
      await refusal(bomb),
      await refusal(frames),
    ]).toMatchInlineSnapshot(`
      [
        "422 not-a-picture: photo.png: not a readable image (Input buffer contains unsupported image format)",
        "422 not-a-picture: photo.png: not a readable image (it is an SVG drawing or other XML; give a photograph as JPEG, PNG, WebP, TIFF, GIF, AVIF or BMP)",
        "422 not-a-picture: photo.png: not a readable image (VipsJpeg: premature end of JPEG image)",
        "422 not-a-picture: photo.png: 6000×6000 is 36000000 pixels but at most 1000000 are decoded; scale the picture down or raise the limit",
        "422 not-a-picture: photo.png: 2 frames or pages, but at most 1 are taken; give the one that is meant as a picture of its own",
      ]
    `);
    expect(server.log).toEqual([]);
    expect((await post(server, small())).status).toBe(200);
  });

  test('what is not there', async () => {
    const server = await testServer();
    const { links } = await resource(await post(server, small()));
    const get = (path: string) => problem(server.app.request(path));
    expect([
      await get('/nothing'),
      await get('/v1/analyses/00000000-0000-4000-8000-000000000000'),
      await get(`/v1/analyses/${encodeURIComponent('../../../etc/passwd')}/report.html`),
      await get(`${links.self}/maps/mask.png`),
      await get(`${links.self}/maps/${encodeURIComponent('../result.json')}`),
    ]).toMatchInlineSnapshot(`
      [
        "404 not-found: there is no /nothing; GET /openapi.json tells what there is",
        "404 not-found: there is no analysis 00000000-0000-4000-8000-000000000000; results are kept for 15 min",
        "404 not-found: there is no analysis ../../../etc/passwd; results are kept for 15 min",
        "404 not-found: there is no such map; there are map.png, overlay.png",
        "404 not-found: there is no such map; there are map.png, overlay.png",
      ]
    `);
  });

  test('more than may wait, with the time to try again, and what waits is done', async () => {
    let go = () => {};
    const gone = new Promise<'look'>(resolve => (go = () => resolve('look')));
    const server = await testServer({ maxWaiting: 1 }, () => gone);
    const accepted = [post(server, small()), post(server, small())];
    while (server.pool.counts.waiting < 1) await new Promise(resolve => setImmediate(resolve));
    const refused = await post(server, small());
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await problem(refused)).toMatchInlineSnapshot(
      `"429 queue-full: no place is free: 1 waiting already; try again in 20 s"`,
    );
    go();
    expect((await Promise.all(accepted)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test('whoever has no key, and what is not his', async () => {
    const server = await testServer({ apiKeys: ['first-key-of-many', 'second-key-of-many'] });
    const as = (key: string) => ({ Authorization: `Bearer ${key}` });
    expect([
      await problem(post(server, small())),
      await problem(post(server, small(), as('guess'))),
      await problem(server.app.request('/metrics')),
    ]).toMatchInlineSnapshot(`
      [
        "401 unauthorized: the API key is missing; send it as "Authorization: Bearer <key>"",
        "401 unauthorized: the API key is not known here; send it as "Authorization: Bearer <key>"",
        "401 unauthorized: the API key is missing; send it as "Authorization: Bearer <key>"",
      ]
    `);
    const mine = await post(server, small(), as('first-key-of-many'));
    const { links } = await resource(mine);
    const fetchAs = async (key: string) => (await server.app.request(links.report, { headers: as(key) })).status;
    expect([await fetchAs('first-key-of-many'), await fetchAs('second-key-of-many')]).toEqual([200, 404]);
    for (const path of ['/healthz', '/readyz', '/openapi.json'])
      expect((await server.app.request(path)).status).toBe(200);
  });
});

describe('when a worker', () => {
  test('ends in the middle, another takes its place and does the job', async () => {
    let times = 0;
    const server = await testServer({}, () => (times++ === 0 ? 'crash' : 'look'));
    expect((await post(server, small())).status).toBe(200);
    expect(server.pool.counts).toEqual({ waiting: 0, running: 0, restarts: 1 });
  });

  test('ends twice over one job, that one fails without a word of the inside, and the next is done', async () => {
    const server = await testServer({}, ({ name }) => (name === 'bad.png' ? 'crash' : 'look'));
    expect(await problem(post(server, formOf(picture, noEvidence, 'bad.png')))).toMatchInlineSnapshot(
      `"500 fault: the picture could not be looked at; the server has noted why"`,
    );
    expect(server.log).toHaveLength(1);
    expect(server.log[0]).toContain('two workers ended while they did it (SIGKILL)');
    expect((await post(server, small())).status).toBe(200);
  });

  test('cannot load the model again and again, the server says why and takes no more', async () => {
    let canStart = true;
    const server = await testServer(
      {},
      () => 'crash',
      () => canStart,
    );
    canStart = false;
    const accepted = post(server, small());
    const why = '503 unavailable: the workers cannot load the model: tried 3 times, no memory';
    await vi.waitFor(async () => expect(await problem(server.app.request('/readyz'))).toBe(why), { timeout: 10_000 });
    expect(await problem(post(server, small()))).toBe(why);
    expect(server.log.at(-1)).toBe('a worker could not load the model: no memory');
    canStart = true;
    expect((await accepted).status).toBe(500);
    await vi.waitFor(async () => expect((await server.app.request('/readyz')).status).toBe(200), { timeout: 10_000 });
  });

  test('tells nothing for too long, it is replaced', async () => {
    let times = 0;
    const server = await testServer({ stallMs: 3000 }, () => (times++ === 0 ? 'hang' : 'look'));
    expect((await post(server, formOf(picture, noEvidence))).status).toBe(200);
    expect(server.pool.counts.restarts).toBe(1);
  });

  test('takes too long, the client is told and no other worker tries', async () => {
    let times = 0;
    const server = await testServer({ maxJobMs: 20 }, () => (times++, 'hang'));
    expect(await problem(post(server, small()))).toMatchInlineSnapshot(
      `"503 too-slow: it took longer than 0.02 s; give a smaller picture"`,
    );
    expect(times).toBe(1);
  });
});

test('a closing server takes no more, ends what was begun, and waits until it was fetched', async () => {
  let go = () => {};
  const server = await testServer({}, () => new Promise(resolve => (go = () => resolve('look'))));
  const { links } = await resource(await post(server, small(), { Prefer: 'respond-async' }));
  let drained = false;
  const drain = server.drain().then(() => (drained = true));
  expect(await problem(post(server, small()))).toMatchInlineSnapshot(
    `"503 closing: no more pictures are taken; ask another server"`,
  );
  expect((await server.app.request('/readyz')).status).toBe(503);
  go();
  await (await server.app.request(links.events)).text();
  expect(drained).toBe(false);
  expect((await server.app.request(links.result)).status).toBe(200);
  await drain;
});

test('the server tells how it is, what it can, and counts', async () => {
  const server = await testServer();
  await post(server, small());
  const text = await (await server.app.request('/metrics')).text();
  expect(text).toContain('forgelens_analyses_total{outcome="done"} 1');
  expect(text).toContain('forgelens_http_request_seconds_count{route="/v1/analyses",method="POST",status="200"} 1');
  const { models } = (await (await server.app.request('/v1/models')).json()) as { models: { id: string }[] };
  expect(models).toMatchObject([{ id: 'brightness', isServed: true }]);
  const api = (await (await server.app.request('/openapi.json')).json()) as {
    paths: object;
    components: { schemas: object };
  };
  expect(Object.keys(api.paths)).toMatchInlineSnapshot(`
    [
      "/v1/analyses",
      "/v1/analyses/{id}",
      "/v1/analyses/{id}/events",
      "/v1/analyses/{id}/result.json",
      "/v1/analyses/{id}/report.html",
      "/v1/analyses/{id}/maps/{name}",
      "/v1/models",
      "/healthz",
      "/readyz",
      "/metrics",
    ]
  `);
  expect(Object.keys(api.components.schemas).sort()).toEqual([
    ...['Analysis', 'AnalysisResource', 'ModelList', 'Picture', 'PictureAddress', 'Problem'],
  ]);
  for (const [, name] of JSON.stringify(api).matchAll(/#\/components\/schemas\/(\w+)/g))
    expect(api.components.schemas).toHaveProperty(name!);
});

test.each([true, false])('the description says whether URLs are fetched: %s', async fetchUrls => {
  const { app } = await testServer({ fetchUrls, apiKeys: ['secret'] });
  const { paths } = (await (await app.request('/openapi.json')).json()) as {
    paths: { '/v1/analyses': { post: { requestBody: { content: object } } } };
  };
  const types = ['multipart/form-data', ...(fetchUrls ? ['application/json'] : [])];
  expect(Object.keys(paths['/v1/analyses'].post.requestBody.content)).toEqual(types);
});
