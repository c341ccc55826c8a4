import { afterEach, expect, test, vi } from 'vitest';
import type { AnalystProgress } from './analyst.ts';
import { describeTrouble } from './problem.ts';
import { createServerAnalyst } from './server-analyst.ts';

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
afterEach(() => vi.unstubAllGlobals());

const picture = { name: 'photo.jpg', bytes: new Uint8Array([1, 2, 3]) };
function look(signal = new AbortController().signal, key: string | null = null) {
  const told: AnalystProgress[] = [];
  const findings = createServerAnalyst(() => key).analyze(picture, { signal, progress: one => told.push(one) });
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
  expect(told.map(({ stage, done }) => `${stage} ${done}`)).toEqual(['upload 0', 'wait 0', 'locate 1']);
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
  expect(told.map(({ stage }) => stage)).toEqual(['upload', 'wait', 'upload']);
});

test('a missing key, a server that is gone, and a fault are told in words', async () => {
  answer({ 'POST /v1/analyses': [problem(401, 'unauthorized', 'the API key is missing')] });
  expect(await messageOf(look().findings)).toMatchObject({ title: 'This server asks for a key', needsKey: true });
  answer({});
  expect(await messageOf(look().findings)).toEqual({
    title: 'The server cannot be reached',
    detail: 'The server does not answer (Failed to fetch). Check the connection, or look in this browser instead.',
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
