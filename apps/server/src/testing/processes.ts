import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Settings } from '../settings.ts';

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-server-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A server in a process of its own; see `process.ts`. */
export async function serverProcess(settings: Partial<Settings>) {
  const child = fork(new URL('process.ts', import.meta.url), [JSON.stringify(settings)], {
    execArgv: ['--import', import.meta.resolve('tsx')],
  });
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [url] = (await Promise.race([once(child, 'message'), exited])) as [string];
  return {
    url,
    exited,
    look: () => void child.send('look'),
    kill: (signal: NodeJS.Signals) => void child.kill(signal),
  };
}

/** Whether Debian's redis-server is there, or must be. */
export const hasRedis =
  process.env['FORGELENS_REQUIRE_REDIS'] === '1' || spawnSync('redis-server', ['--version']).status === 0;

/** A Redis for one test, behind a socket in a folder. */
export async function startRedis(): Promise<{ readonly socket: string; readonly stop: () => void }> {
  const folder = temporaryFolder();
  const socket = join(folder, 'redis.sock');
  const options = { port: '0', unixsocket: socket, save: '', dir: folder };
  const child = spawn(
    'redis-server',
    Object.entries(options).flatMap(([key, value]) => [`--${key}`, value]),
    {
      stdio: 'ignore',
    },
  );
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill();
    await exited;
  });
  while (!existsSync(socket)) await sleep(20);
  return { socket, stop: () => void child.kill() };
}
