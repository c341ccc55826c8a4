import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AnalystProgress, GivenPicture } from './analyst.ts';
import { describeTrouble } from './problem.ts';
import { createServerAnalyst, fetchesUrls } from './server-analyst.ts';

const links = { self: '/v1/analyses/1', events: '/v1/analyses/1/events', report: '/v1/analyses/1/report.html' };
const result = { maps: { map: { file: 'maps/map.png' }, overlay: { file: 'maps/overlay.png' } }, evidence: [] };
const queued = { status: 'queued', progress: null, problem: null, result: null, links };
const running = { ...queued, status: 'running', progress: { stage: 'locate', done: 1, total: 4 } };
const done = { ...queued, status: 'done', result };

const problem = (status: number, kind: string, detail: string) =>
  Response.json({ type: `urn:forgelens:problem:${kind}`, detail }, { status });

/** Answers requests by `METHOD path`, each list in its order; notes what was asked. */
function answer(answers: Readonly<Record<string, Response[]>>) {
  const asked: string[] = [];
  const headers: Record<string, string>[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit = {}) => {
    asked.push(`${init.method ?? 'GET'} ${path}`);
    headers.push(init.headers as Record<string, string>);
    const next = answers[asked.at(-1)!]?.shift();
    if (next) return next;
    throw new TypeError('Failed to fetch');
  });
  return { asked, headers };
}
/** An XMLHttpRequest that is answered as fetch is, once two bytes and then all of the form have been sent. */
class Sending {
  readonly upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload = () => {};
  onerror = () => {};
  onabort = () => {};
  status = 0;
  statusText = '';
  responseText = '';
  private answer = new Headers();
  private readonly headers: Record<string, string> = {};
  private path = '';
  open(_: string, path: string): void {
    this.path = path;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  send(): void {
    void fetch(this.path, { method: 'POST', headers: this.headers }).then(
      async response => {
        this.upload.onprogress?.({ loaded: 2 });
        this.upload.onprogress?.({ loaded: 400 });
        ({ status: this.status, statusText: this.statusText, headers: this.answer } = response);
        this.responseText = await response.text();
        this.onload();
      },
      () => this.onerror(),
    );
  }
  abort(): void {
    this.onabort();
  }
  getAllResponseHeaders = () => [...this.answer].map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

beforeEach(() => void vi.stubGlobal('XMLHttpRequest', Sending));
afterEach(() => vi.unstubAllGlobals());

const picture = { name: 'photo.jpg', bytes: new Uint8Array([1, 2, 3]) };
function look(signal = new AbortController().signal, key: string | null = null, given: GivenPicture = picture) {
  const told: AnalystProgress[] = [];
  const findings = createServerAnalyst(() => key).analyze(given, { signal, progress: one => told.push(one) });
  return { findings, told };
}
const messageOf = async (looking: Promise<unknown>) =>
  describeTrouble(
    await looking.then(
      () => null,
      (error: unknown) => error,
    ),
  );

test('a picture is sent, followed, fetched as a whole, and forgotten by the server', async () => {
  const events = `event: running\ndata: ${JSON.stringify(running)}\n\n: still there\n\n`;
  const { asked, headers } = answer({
    'POST /v1/analyses': [Response.json(queued, { status: 202 })],
    [`GET ${links.events}`]: [new Response(events)],
    [`GET ${links.self}`]: [Response.json(done)],
    [`GET ${links.report}`]: [new Response('<!doctype html>')],
    [`GET ${links.self}/maps/map.png`]: [new Response('map')],
    [`GET ${links.self}/maps/overlay.png`]: [new Response('overlay')],
    [`DELETE ${links.self}`]: [new Response(null, { status: 204 })],
  });
  const { findings, told } = look(undefined, 'secret');
  const { files, report } = await findings;
  expect(await files.get('maps/map.png')!.text()).toBe('map');
  expect(await (await report()).text()).toBe('<!doctype html>');
  expect(told.map(({ stage, done }) => `${stage} ${done}`)).toEqual([
    ...['upload 0', 'upload 2', 'upload 3'],
    ...['wait 0', 'locate 1'],
  ]);
  expect(asked.at(-1)).toBe(`DELETE ${links.self}`);
  expect(headers.every(({ Authorization }) => Authorization === 'Bearer secret')).toBe(true);
});

test('a full queue is asked again when the server says', async () => {
  answer({
    'POST /v1/analyses': [
      new Response(null, { status: 429, headers: { 'Retry-After': '0.01' } }),
      problem(422, 'not-a-picture', 'photo.jpg: not a readable image'),
    ],
  });
  const { findings, told } = look();
  expect(await messageOf(findings)).toEqual({
    title: 'This picture cannot be looked at',
    detail: 'photo.jpg: not a readable image',
    canRetry: false,
    needsKey: false,
  });
  expect(told.map(({ stage, done }) => `${stage} ${done}`)).toEqual([
    ...['upload 0', 'upload 2', 'upload 3', 'wait 0'],
    ...['upload 0', 'upload 2', 'upload 3'],
  ]);
});

test('a missing key, a server that is gone, and a fault are told in words', async () => {
  answer({ 'POST /v1/analyses': [problem(401, 'unauthorized', 'the API key is missing')] });
  expect(await messageOf(look().findings)).toMatchObject({ title: 'This server asks for a key', needsKey: true });
  answer({});
  expect(await messageOf(look().findings)).toEqual({
    title: 'The server cannot be reached',
    detail: 'The server does not answer (the connection broke). Check the connection, or look in this browser instead.',
    canRetry: true,
    needsKey: false,
  });
  answer({ 'POST /v1/analyses': [new Response('oops', { status: 502, statusText: 'Bad Gateway' })] });
  expect(await messageOf(look().findings)).toMatchObject({
    title: 'Something is wrong with the server',
    detail: '502 Bad Gateway',
    canRetry: true,
  });
});

test('a picture that is no longer wanted is not sent on', async () => {
  vi.stubGlobal('fetch', () => new Promise(() => {}));
  const ending = new AbortController();
  const { findings } = look(ending.signal);
  ending.abort(new Error('removed'));
  await expect(findings).rejects.toThrow('removed');
});

test('an address is given to the server, which says what is wrong with it', async () => {
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', async (_: string, { body }: RequestInit) => {
    bodies.push(body);
    return problem(422, 'not-fetched', 'the URL: its host is not on the public internet');
  });
  const { findings, told } = look(undefined, null, { name: 'a.jpg', url: 'https://internal.example/a.jpg' });
  expect(await messageOf(findings)).toEqual({
    title: 'The picture could not be fetched',
    detail: 'the URL: its host is not on the public internet',
    canRetry: true,
    needsKey: false,
  });
  expect(bodies).toEqual(['{"url":"https://internal.example/a.jpg"}']);
  expect(told.map(({ stage }) => stage)).toEqual(['fetch']);
});

test('whether addresses are taken is read from what the server says of itself', async () => {
  const description = (content: object) => ({ paths: { '/v1/analyses': { post: { requestBody: { content } } } } });
  const asked = (response: () => Response) => {
    vi.stubGlobal('fetch', async () => response());
    return fetchesUrls();
  };
  expect(await asked(() => Response.json(description({ 'multipart/form-data': {}, 'application/json': {} })))).toBe(
    true,
  );
  expect(await asked(() => Response.json(description({ 'multipart/form-data': {} })))).toBe(false);
  expect(await asked(() => new Response('no such page', { status: 404 }))).toBe(false);
});
