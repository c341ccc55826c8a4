import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { serve } from './serve.ts';
import { defaultSettings } from './settings.ts';
import { workersHere } from './testing/workers.ts';
import { WorkerPool } from './worker-pool.ts';
import { workerProcesses } from './worker.ts';

const folder = mkdtempSync(join(tmpdir(), 'forgelens-worker-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A worker that ends itself the first time that it is given anything. */
const script = join(folder, 'worker.mjs');
writeFileSync(
  script,
  `import { existsSync, writeFileSync } from 'node:fs';
   const mark = ${JSON.stringify(join(folder, 'mark'))};
   process.on('disconnect', () => process.exit());
   process.on('message', ({ bytes }) => {
     if (!existsSync(mark)) {
       writeFileSync(mark, '');
       process.kill(process.pid, 'SIGKILL');
     } else process.send({ kind: 'failed', isPicture: true, message: 'got ' + bytes.join() });
   });
   process.send({ kind: 'ready' });`,
);

const start = (file: string) =>
  workerProcesses({ model: 'none', maxPixels: 1, maxFrames: 1 }, pathToFileURL(join(folder, file)));
const settings = { workers: 1, maxJobMs: 60_000, stallMs: 60_000 };

test('a job survives the SIGKILL of the process that does it', async () => {
  const pool = new WorkerPool(start('worker.mjs'), settings, () => {});
  const job = { id: 'a', bytes: Uint8Array.of(1, 2, 3), name: 'a', threshold: 0.5, evidence: false };
  const outcome = await pool.run(job, { started() {}, progress() {} });
  expect(outcome).toEqual({ kind: 'failed', failure: { kind: 'picture', message: 'got 1,2,3' } });
  expect(pool.counts).toEqual({ waiting: 0, running: 0, restarts: 1 });
  pool.close();
});

test('a worker that cannot load the model says why, at once and while it is tried again', async () => {
  writeFileSync(
    join(folder, 'unable.mjs'),
    `process.send({ kind: 'unable', message: 'no such weights' }, () => process.exit(1));`,
  );
  const log: string[] = [];
  const pool = new WorkerPool(start('unable.mjs'), settings, text => log.push(text));
  expect([pool.isReady, pool.problem]).toEqual([false, null]);
  await expect(pool.ready).rejects.toThrow('no such weights');
  await vi.waitFor(
    () => expect(pool.problem).toBe('the workers cannot load the model: tried 3 times, no such weights'),
    {
      timeout: 30_000,
    },
  );
  expect(log[0]).toBe('a worker could not load the model: no such weights');
  pool.close();
});

test('a server whose worker cannot load the model, or that cannot listen, does not start and says why', async () => {
  const refusal = (canStart: boolean, host: string) =>
    serve({
      ...{ settings: defaultSettings, model: 'unet', host, port: 0, log: () => {} },
      startWorker: workersHere(
        defaultSettings,
        () => 'look',
        () => canStart,
      ),
    }).then(() => 'started', String);
  expect([await refusal(false, '127.0.0.1'), await refusal(true, '192.0.2.1')]).toMatchInlineSnapshot(`
    [
      "UsageError: no worker can load the model unet (no memory); try "forgelens analyze" with it",
      "UsageError: cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL); choose another with --host and --port",
    ]
  `);
});
