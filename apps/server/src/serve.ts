import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { UsageError } from '@forgelens/autograd';
import { modelCards } from '@forgelens/localize';
import { createAdaptorServer } from '@hono/node-server';
import type { ServerApp } from './app.ts';
import { createApp } from './app.ts';
import { openBackend } from './backend.ts';
import { Problem } from './problems.ts';
import type { Settings } from './settings.ts';
import type { StartWorker } from './worker.ts';
import { workerProcesses } from './worker.ts';

export interface ServeOptions {
  readonly settings: Settings;
  /** The id of a model with weights, or the path of a checkpoint. */
  readonly model: string;
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly log: (text: string) => void;
  /** What looks at pictures; worker processes with the model unless something else is given. */
  readonly startWorker?: StartWorker;
}

/** A server that listens. */
export interface Serving {
  readonly url: string;
  /** Takes no more pictures, ends what was begun, and closes. */
  close(): Promise<void>;
}

/** A request must be there within this time, headers and body. */
const requestTimeoutMs = 60_000;

/** So long an answer that has begun may still take when the server closes. */
const lastWordsMs = 5000;

/**
 * Starts a server, and waits until it can look at pictures.
 * @throws {UsageError} when it cannot listen there, keep results there, or load the model
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { settings, model, host, port, log } = options;
  const { maxPixels, maxFrames } = settings;
  const startWorker = options.startWorker ?? workerProcesses({ model, maxPixels, maxFrames });
  const backend = await openBackend({ settings, startWorker, measuresProcess: true, log });
  const app = createApp({ settings, backend, model, cards: modelCards, log });
  const server = listenWith(app, { requestTimeoutMs });
  try {
    server.listen(port, host);
    await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`cannot listen on ${host}:${port} (${error.code}); choose another with --host and --port`, {
        cause: error,
      });
    });
    await backend.pool.ready.catch((error: Error) => {
      throw new UsageError(
        `no worker can load the model ${model} (${error.message}); try "forgelens analyze" with it`,
        {
          cause: error,
        },
      );
    });
  } catch (error) {
    server.close();
    server.closeAllConnections();
    await backend.close();
    throw error;
  }
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async close() {
      await app.drain();
      const closed = once(server, 'close');
      server.close();
      const late = setTimeout(() => server.closeAllConnections(), lastWordsMs);
      await closed;
      clearTimeout(late);
      await backend.close();
    },
  };
}

/** A server for an app. Requests that come in too slowly, or not as HTTP has them, are answered with a problem. */
export function listenWith({ app }: Pick<ServerApp, 'app'>, limits: { readonly requestTimeoutMs: number }): Server {
  const { requestTimeoutMs } = limits;
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      ...{ requestTimeout: requestTimeoutMs, headersTimeout: Math.min(20_000, requestTimeoutMs) },
      ...{ connectionsCheckingInterval: Math.min(5000, requestTimeoutMs), maxHeaderSize: 16_384 },
    },
  }) as Server;
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const { body } = clientProblem(error.code, requestTimeoutMs);
    const text = JSON.stringify(body);
    socket.end(
      `HTTP/1.1 ${body.status} ${body.title}\r\nContent-Type: application/problem+json\r\nConnection: close\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
  return server;
}

function clientProblem(code: string | undefined, requestTimeoutMs: number): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('too-long', `the request was not there after ${requestTimeoutMs / 1000} s; send it faster`);
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('headers-too-large', 'the headers have more than 16384 bytes; send fewer');
  return new Problem('bad-request', `the request is not HTTP (${code})`);
}
