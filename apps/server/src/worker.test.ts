import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { WorkerQueue } from './worker-queue.ts';
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

test('a job survives the SIGKILL of the process that does it', async () => {
  const start = workerProcesses({ model: 'none', maxPixels: 1, maxFrames: 1 }, pathToFileURL(script));
  const queue = new WorkerQueue(start, { workers: 1, maxJobMs: 60_000, stallMs: 60_000 });
  const job = { id: 'a', bytes: Uint8Array.of(1, 2, 3), name: 'a', threshold: 0.5, evidence: false };
  const failure = await new Promise(resolve =>
    queue.add(job, { started() {}, progress() {}, done: resolve, failed: resolve }),
  );
  expect(failure).toEqual({ kind: 'picture', message: 'got 1,2,3' });
  expect(queue.counts).toEqual({ waiting: 0, running: 0, restarts: 1 });
  queue.close();
});
