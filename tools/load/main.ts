/**
 * Keeps `forgelens serve` busy, and tells how it bore that:
 *
 *     npx tsx tools/load/main.ts [--clients 8] [--seconds 300] [-- options of forgelens serve …]
 *
 * Each client sends one example after the other and fetches the report; refused with 429 it waits as it is told. All the
 * while /healthz is asked ten times a second, and the memory of the server and its workers is read from /proc.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AnalysisResource } from '@forgelens/server';

const root = join(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { clients: { type: 'string', default: '8' }, seconds: { type: 'string', default: '300' } },
});
const seconds = Number(values.seconds);

const server = spawn(
  process.execPath,
  ['--import', 'tsx', join(root, 'apps/cli/src/main.ts'), 'serve', '--port', '0', ...positionals],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const exited = once(server, 'exit') as Promise<[number | null, string | null]>;
const url = await new Promise<string>((resolve, reject) => {
  createInterface(server.stdout).on('line', line => {
    const [, url] = /^listening on (.*)$/.exec(line) ?? [];
    if (url !== undefined) resolve(url);
  });
  void exited.then(([code]) => reject(new Error(`forgelens serve ended with ${code}`)));
});

const folders = ['forged', 'authentic'].map(folder => join(root, 'examples', folder));
const names = (await Promise.all(folders.map(async folder => (await readdir(folder)).map(name => join(folder, name)))))
  .flat()
  .sort();
const pictures = await Promise.all(names.map(name => readFile(name)));

const start = performance.now();
const isOver = () => performance.now() - start > seconds * 1000;
const counts = { done: 0, refused: 0, withoutRetryAfter: 0 };
const failed: string[] = [];
const latencies: number[] = [];

/** One picture from its upload to its report. @throws what no answer should be */
async function analyze(bytes: Uint8Array): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const form = new FormData();
    form.append('file', new File([Uint8Array.from(bytes)], 'photo.jpg'));
    const response = await fetch(`${url}/v1/analyses`, { method: 'POST', body: form });
    if (response.status === 429) {
      await response.arrayBuffer();
      counts.refused++;
      const seconds = Number(response.headers.get('retry-after') ?? NaN);
      if (!(seconds > 0)) counts.withoutRetryAfter++;
      if (isOver()) return;
      await sleep(1000 * (seconds || 1));
      continue;
    }
    if (!response.ok) throw new Error(`POST: ${response.status} ${await response.text()}`);
    let analysis = (await response.json()) as AnalysisResource;
    while (analysis.status === 'queued' || analysis.status === 'running') {
      await sleep(500);
      if (isOver()) return void (await fetch(url + analysis.links.self, { method: 'DELETE' }));
      analysis = (await (await fetch(url + analysis.links.self)).json()) as AnalysisResource;
    }
    const report = await fetch(url + analysis.links.report);
    const text = await report.text();
    if (report.status !== 200 || !text.includes(analysis.result!.input.sha256))
      throw new Error(`report: ${report.status} of an analysis that is ${analysis.status}`);
    await fetch(url + analysis.links.self, { method: 'DELETE' });
    counts.done++;
    latencies.push((performance.now() - begun) / 1000);
    return;
  }
}

async function client(first: number): Promise<void> {
  for (let i = first; !isOver(); i++)
    await analyze(pictures[i % pictures.length]!).catch((error: unknown) => failed.push(String(error)));
}

const healthMs: number[] = [];
async function askHealth(): Promise<void> {
  while (!isOver()) {
    const asked = performance.now();
    await fetch(`${url}/healthz`).then(
      async response => {
        if (!response.ok) failed.push(`healthz: ${response.status}`);
        await response.arrayBuffer();
      },
      (error: unknown) => failed.push(`healthz: ${String(error)}`),
    );
    healthMs.push(performance.now() - asked);
    await sleep(100);
  }
}

/** Resident memory of a process, in MB. */
async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1000;
}
async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

const memory: { readonly minute: number; readonly server: number; readonly workers: number }[] = [];
async function watchMemory(): Promise<void> {
  while (!isOver()) {
    const children = await Promise.all((await childrenOf(server.pid!)).map(memoryOf));
    const workers = children.reduce((sum, mb) => sum + mb, 0);
    const minute = (performance.now() - start) / 60_000;
    memory.push({ minute, server: await memoryOf(server.pid!), workers });
    await sleep(1000);
  }
}

await Promise.all([...Array.from({ length: Number(values.clients) }, (_, i) => client(i)), askHealth(), watchMemory()]);
const took = (performance.now() - start) / 1000;
server.kill('SIGTERM');
const [code] = await exited;

const quantile = (numbers: readonly number[], q: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(q * numbers.length))] ?? NaN;
const tell = (numbers: readonly number[], digits: number) =>
  `p50 ${quantile(numbers, 0.5).toFixed(digits)}, p99 ${quantile(numbers, 0.99).toFixed(digits)}, most ${Math.max(...numbers).toFixed(digits)}`;
console.log(`${values.clients} clients, ${took.toFixed(0)} s, forgelens serve ${positionals.join(' ')}`);
console.log(
  `${counts.done} pictures, ${((60 * counts.done) / took).toFixed(1)} a minute; seconds each: ${tell(latencies, 1)}`,
);
console.log(`${failed.length} failed requests; SIGTERM ended it with ${code}`);
for (const text of new Set(failed)) console.log(`  ${text}`);
console.log(`${counts.refused} refused with 429, ${counts.withoutRetryAfter} of them without Retry-After`);
console.log(`/healthz, ${healthMs.length} times, ms: ${tell(healthMs, 1)}`);
const minutes = Array.from({ length: Math.ceil(took / 60) }, (_, minute) =>
  memory.filter(sample => Math.floor(sample.minute) === minute),
).filter(samples => samples.length > 0);
const most = (key: 'server' | 'workers') =>
  minutes.map(samples => Math.max(...samples.map(sample => sample[key])).toFixed(0)).join(', ');
console.log(`most memory in each minute, MB: server ${most('server')}; workers ${most('workers')}`);
process.exitCode = failed.length > 0 || quantile(healthMs, 0.99) >= 50 || code !== 0 ? 1 : 0;
