import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { UsageError } from '@forgelens/autograd';
import { modelCards } from '@forgelens/localize';
import { createAdaptorServer } from '@hono/node-server';
import type { Server } from 'node:http';
import { createApp } from './app.ts';
import type { Settings } from './settings.ts';
import { WorkerQueue } from './worker-queue.ts';
import { workerProcesses } from './worker.ts';

export interface ServeOptions {
  readonly settings: Settings;
  /** The id of a model with weights, or the path of a checkpoint. */
  readonly model: string;
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  readonly log: (text: string) => void;
}

/** A server that listens. */
export interface Serving {
  readonly url: string;
  /** Takes no more pictures, ends what was begun, and closes. */
  close(): Promise<void>;
}

/** A request must be there within this time, headers and body. */
const requestTimeoutMs = 60_000;

/**
 * Starts a server.
 * @throws {UsageError} when it cannot listen there
 */
export async function serve({ settings, model, host, port, log }: ServeOptions): Promise<Serving> {
  const { maxPixels, maxFrames } = settings;
  const queue = new WorkerQueue(workerProcesses({ model, maxPixels, maxFrames }), settings);
  const { app, drain } = createApp({ settings, queue, model, cards: modelCards, log, measuresProcess: true });
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: requestTimeoutMs, headersTimeout: 20_000, maxHeaderSize: 16_384 },
  }) as Server;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    queue.close();
    throw new UsageError(
      `cannot listen on ${host}:${port} (${(error as NodeJS.ErrnoException).code}); choose another with --host and --port`,
      { cause: error },
    );
  }
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async close() {
      await drain();
      queue.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
