/**
 * npm run gpu-kit -- configs/unet.yaml --data dataset [--package dist/forgelens-0.1.0.tgz] [--out dist/gpu-kit]
 *
 * Packs a training for a bare Linux x64 machine with an NVIDIA driver: Node, the packed package with what it depends on,
 * the Vulkan loader, the configuration and a folder of data with its index.csv. README.md tells how to use it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { software } from '@forgelens/localize';
import { checkList, cutIntoPieces } from './pieces.ts';

const pieceBytes = 60 * 2 ** 20;
const root = fileURLToPath(new URL('../..', import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    package: { type: 'string', default: join(root, `dist/forgelens-${software.version}.tgz`) },
    out: { type: 'string', default: join(root, 'dist/gpu-kit') },
  },
});

function fail(problem: string): never {
  console.error(`gpu-kit: ${problem}`);
  process.exit(2);
}

const [config] = positionals;
if (config === undefined || values.data === undefined)
  fail('needs a configuration and --data <folder>; see its README.md');
if (process.platform !== 'linux' || process.arch !== 'x64')
  fail(`packs the Node that runs it, and that is for ${process.platform} ${process.arch}; run it on Linux x64`);
if (!existsSync(values.package)) fail(`${values.package}: no such package; make it with npm run package`);
if (!existsSync(join(values.data, 'index.csv'))) fail(`${values.data}: holds no index.csv; see docs/data-sets.md`);

function run(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** The file of a library that the dynamic linker would load. */
function systemLibrary(name: string): string {
  const file = new RegExp(`${name} \\(libc6,x86-64.*=> (.*)`).exec(run('/sbin/ldconfig', ['-p']))?.[1];
  return realpathSync(file ?? fail(`${name} is not installed; install libvulkan1`));
}

/** Only what runs on Linux x64, without CUDA and TensorRT; nothing here opens a browser. */
function stripRuntimes(modules: string): void {
  const place = 'onnxruntime-node/bin/napi-v6/linux/x64';
  const binaries = ['libonnxruntime.so.1', 'onnxruntime_binding.node'];
  const kept = mkdtempSync(join(modules, 'kept-'));
  for (const file of binaries) copyFileSync(join(modules, place, file), join(kept, file));
  rmSync(join(modules, 'onnxruntime-node/bin'), { recursive: true });
  mkdirSync(join(modules, place), { recursive: true });
  for (const file of binaries) copyFileSync(join(kept, file), join(modules, place, file));
  rmSync(kept, { recursive: true });
  rmSync(join(modules, 'onnxruntime-web'), { recursive: true, force: true });
}

const kit = mkdtempSync(join(tmpdir(), 'forgelens-kit-'));
try {
  const app = join(kit, 'app');
  const lib = join(kit, 'lib');
  for (const folder of [app, lib]) mkdirSync(folder);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }\n');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', resolve(values.package)], app);
  stripRuntimes(join(app, 'node_modules'));
  copyFileSync(process.execPath, join(kit, 'node'));
  copyFileSync(systemLibrary('libvulkan.so.1'), join(lib, 'libvulkan.so.1'));
  copyFileSync(config, join(kit, 'config.yaml'));
  cpSync(values.data, join(kit, 'data'), { recursive: true, dereference: true });

  rmSync(values.out, { recursive: true, force: true });
  mkdirSync(values.out, { recursive: true });
  const archive = `${kit}.tar.gz`;
  run('tar', ['-czf', archive, '-C', kit, '.']);
  const sums = new Map<string, string>();
  const pieces = cutIntoPieces('kit.tar.gz', statSync(archive).size, pieceBytes);
  const descriptor = openSync(archive, 'r');
  for (const { name, begin, end } of pieces) {
    const bytes = new Uint8Array(end - begin);
    readSync(descriptor, bytes, 0, bytes.length, begin);
    writeFileSync(join(values.out, name), bytes);
    sums.set(name, createHash('sha256').update(bytes).digest('hex'));
  }
  closeSync(descriptor);
  rmSync(archive);
  writeFileSync(join(values.out, 'SHA256SUMS'), checkList(sums));
  const script = join(values.out, 'run.sh');
  copyFileSync(join(dirname(fileURLToPath(import.meta.url)), 'run.sh'), script);
  chmodSync(script, 0o755);
  const megabytes = pieces.at(-1)!.end / 1e6;
  console.log(
    `${values.out}: ${pieces.length} pieces, ${megabytes.toFixed(1)} MB; carry the folder over and start run.sh`,
  );
} finally {
  rmSync(kit, { recursive: true });
}
