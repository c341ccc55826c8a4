import type { Analysis, Progress } from '@forgelens/analysis';
import type { Analyst, AnalystOptions, Findings, GivenPicture } from './analyst.ts';
import { ServerProblem } from './problem.ts';
import { post } from './post.ts';
import { strings } from './strings.ts';

/** What the server says of an analysis, as far as the page reads it; docs/server.md has the rest. */
interface Resource {
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  readonly progress: Progress | null;
  readonly problem: { readonly type: string; readonly detail: string } | null;
  readonly result: Analysis | null;
  readonly links: { readonly self: string; readonly events: string; readonly report: string };
}

const analyses = '/v1/analyses';
const prefer = { Prefer: 'respond-async' };

/** A picture that finds the queue full asks again after so long where the server does not say. */
const defaultRetrySeconds = 5;

/**
 * The server that the page came from. What it found is fetched as a whole, and then the server is told to forget it.
 *
 * @param apiKey - the key to send, where the server asks for one
 */
export function createServerAnalyst(apiKey: () => string | null): Analyst {
  return { place: 'server', analyze };

  async function analyze(picture: GivenPicture, { signal, progress }: AnalystOptions): Promise<Findings> {
    const sent = await send(picture);
    const { self } = sent.links;
    let resource = sent;
    try {
      while (resource.status !== 'done') {
        tell(resource);
        await follow(resource.links.events);
        resource = (await (await ask(self)).json()) as Resource;
        if (resource.problem) throw problemOf(resource.problem);
      }
      return await fetchAll(resource);
    } finally {
      // Not with the signal: a stopped analysis is to be forgotten, too.
      void fetch(self, { method: 'DELETE', headers: headers() }).catch(() => {});
    }

    async function send(given: GivenPicture): Promise<Resource> {
      for (;;) {
        const response = await orUnreachable('url' in given ? sendAddress(given.url) : upload(given.name, given.bytes));
        if (response.status !== 429) return (await (await orProblem(response)).json()) as Resource;
        progress({ stage: 'wait', done: 0, total: 0 });
        await pause(1000 * (Number(response.headers.get('Retry-After')) || defaultRetrySeconds), signal);
      }
    }

    function upload(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> {
      const body = new FormData();
      body.append('file', new Blob([bytes]), name);
      // What is around the bytes in the form is sent, too.
      const onSent = (sent: number) =>
        progress({ stage: 'upload', done: Math.min(sent, bytes.length), total: bytes.length });
      onSent(0);
      return post(analyses, body, { headers: { ...headers(), ...prefer }, signal, onSent });
    }

    function sendAddress(url: string): Promise<Response> {
      progress({ stage: 'fetch', done: 0, total: 0 });
      const type = { 'Content-Type': 'application/json' };
      return fetch(analyses, {
        ...{ method: 'POST', body: JSON.stringify({ url }), signal },
        headers: { ...headers(), ...prefer, ...type },
      });
    }

    /** Listens to what the server tells of the analysis until it has no more to tell. */
    async function follow(events: string): Promise<void> {
      const { body } = await ask(events);
      let text = '';
      for await (const part of decoded(body!)) {
        const messages = (text + part).split('\n\n');
        text = messages.pop()!;
        for (const message of messages) {
          const [, data] = /^data: ?(.*)$/m.exec(message) ?? [];
          if (data !== undefined) tell(JSON.parse(data) as Resource);
        }
      }
    }

    function tell({ status, progress: reached }: Resource): void {
      if (status === 'running' && reached) progress(reached);
      else progress({ stage: 'wait', done: 0, total: 0 });
    }

    async function fetchAll({ result, links }: Resource): Promise<Findings> {
      const analysis = result!;
      const named = [
        analysis.maps.map,
        analysis.maps.overlay,
        ...(analysis.evidence ?? []).flatMap(({ map }) => map ?? []),
      ];
      const blobOf = async (path: string) => (await ask(path)).blob();
      const [report, ...pictures] = await Promise.all([
        blobOf(links.report),
        ...named.map(({ file }) => blobOf(`${self}/${file}`)),
      ]);
      return {
        analysis,
        files: new Map(named.map(({ file }, i) => [file, pictures[i]!])),
        report: async () => report,
      };
    }

    async function ask(path: string): Promise<Response> {
      return orProblem(await orUnreachable(fetch(path, { signal, headers: headers() })));
    }

    async function orUnreachable(asking: Promise<Response>): Promise<Response> {
      try {
        return await asking;
      } catch (error) {
        signal.throwIfAborted();
        throw new ServerProblem('unreachable', strings.trouble.unreachable((error as Error).message));
      }
    }
  }

  function headers(): Record<string, string> {
    const key = apiKey();
    return key === null ? {} : { Authorization: `Bearer ${key}` };
  }
}

/** Whether the server fetches pictures from URLs. Its description says so, also to who has no key. */
export async function fetchesUrls(): Promise<boolean> {
  try {
    const { paths } = (await (await fetch('/openapi.json')).json()) as Description;
    return 'application/json' in paths[analyses].post.requestBody.content;
  } catch {
    // The page may be offline.
    return false;
  }
}

/** The little of the server's description that is read here. */
interface Description {
  readonly paths: { readonly [analyses]: { readonly post: { readonly requestBody: { readonly content: object } } } };
}

/** The texts of a stream. Safari cannot go through one by `for await`. */
async function* decoded(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    yield decoder.decode(part.value, { stream: true });
}

/** @throws {ServerProblem} unless the answer is a good one */
async function orProblem(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as Resource['problem'];
  throw problemOf(problem ?? { type: 'fault', detail: `${response.status} ${response.statusText}` });
}

const problemOf = ({ type, detail }: NonNullable<Resource['problem']>): ServerProblem =>
  new ServerProblem(type.split(':').at(-1)!, detail);

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
