/**
 * npm run package -- [folder]
 *
 * Writes the one package `forgelens` as it is published, and packs it: dist/forgelens-<version>.tgz. Its files lie as in
 * the repository, TypeScript as JavaScript and declarations, and rooms import each other as everybody imports them:
 * `@forgelens/nn` becomes `forgelens/nn`, which the package's own exports resolve.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageManifest } from './manifest.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = resolve(process.argv[2] ?? join(root, 'dist'));
const folder = join(target, 'forgelens');

/** What goes along as it is. */
const assets = ['LICENSE', 'NOTICE', 'docs', 'configs', 'examples', 'packages/localize/weights', 'apps/web/dist'];

function run(command: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** Rooms are known in the package by its own name. */
function renameRooms(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, file);
    if (!/\.(js|d\.ts)$/.test(file) || file.startsWith(join('apps', 'web', 'dist'))) continue;
    const text = readFileSync(path, 'utf8');
    if (text.includes('@forgelens/')) writeFileSync(path, text.replaceAll('@forgelens/', 'forgelens/'));
  }
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
run('npm', ['run', 'build:page']);
run(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tools/package'), '--outDir', folder]);
renameRooms(folder);
for (const asset of assets) {
  if (!existsSync(join(root, asset))) throw new Error(`${asset} is missing, and the package needs it`);
  cpSync(join(root, asset), join(folder, asset), { recursive: true });
}
cpSync(join(root, 'tools/package/README.md'), join(folder, 'README.md'));
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(packageManifest(root), null, 2)}\n`);
const [packed] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', target], folder)) as {
  filename: string;
  size: number;
  unpackedSize: number;
  entryCount: number;
}[];
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
console.log(
  `${join(target, packed!.filename)}: ${packed!.entryCount} files, ${megabytes(packed!.size)}, unpacked ${megabytes(packed!.unpackedSize)}`,
);
