/**
 * npm run package:try -- [packed file]
 *
 * Installs the packed package into an empty folder, as its users do, and runs every example of its README there: the
 * commands, and the programs, whose types are checked first. Then it starts the server and sends it a picture.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultModel, software } from '@forgelens/localize';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packed = resolve(process.argv[2] ?? join(root, `dist/forgelens-${software.version}.tgz`));
const folder = mkdtempSync(join(tmpdir(), 'forgelens-package-'));

function run(command: string, args: readonly string[]): string {
  console.log(`$ ${command} ${args.join(' ')}`);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** The fenced blocks of a language in a text of Markdown. */
const blocks = (text: string, language: string): string[] =>
  Array.from(text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs')), ([, block]) => block!);

async function tryServer(): Promise<void> {
  const server = spawn('npx', ['--no', 'forgelens', 'serve', '--port', '0'], { cwd: folder, detached: true });
  try {
    const output = new Promise<string>((resolve, reject) => {
      let text = '';
      const listen = (chunk: Buffer) => {
        text += chunk.toString();
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
        if (address) resolve(address);
      };
      server.stdout.on('data', listen);
      server.stderr.on('data', listen);
      void once(server, 'exit').then(() => reject(new Error(`the server ended:\n${text}`)));
    });
    const address = await output;
    const page = await fetch(address);
    if (!(await page.text()).includes('<html')) throw new Error(`${address} answers ${page.status} and no page`);
    // The weights are in the package once; the page loads those that Node reads.
    const weights = await fetch(`${address}/models/${defaultModel}/weights.safetensors`);
    const shipped = Buffer.from(await weights.arrayBuffer());
    const copies = readdirSync(join(folder, 'node_modules/forgelens'), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.safetensors'))
      .map(file => readFileSync(join(folder, 'node_modules/forgelens', file)))
      .filter(bytes => bytes.equals(shipped)).length;
    if (copies !== 1)
      throw new Error(
        `the page gets weights (${weights.status}) that are ${copies} times in the package, but once is right`,
      );
    const form = new FormData();
    form.set('file', new Blob([readFileSync(join(folder, 'photo.jpg'))]), 'photo.jpg');
    const answer = await fetch(`${address}/v1/analyses`, { method: 'POST', body: form });
    if (!answer.ok) throw new Error(`the server answers a picture with ${answer.status}: ${await answer.text()}`);
    console.log(`served a page and a picture (${answer.status})`);
  } finally {
    process.kill(-server.pid!, 'SIGTERM');
    await once(server, 'exit');
  }
}

try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', packed]);
  copyFileSync(join(root, 'examples/forged/two-figs.jpg'), join(folder, 'photo.jpg'));
  const readme = readFileSync(join(folder, 'node_modules/forgelens/README.md'), 'utf8');

  const commands = blocks(readme, 'sh').flatMap(block => block.trim().split('\n'));
  for (const command of commands.filter(line => line.startsWith('npx '))) {
    const [, ...args] = command.split(' ');
    run('npx', ['--no', ...args]);
  }

  const programs = blocks(readme, 'ts').map((text, i) => ({ file: `example-${i + 1}.ts`, text }));
  for (const { file, text } of programs) writeFileSync(join(folder, file), text);
  const strict = '--strict --noUncheckedIndexedAccess --skipLibCheck --target es2022 --module nodenext --types node';
  const typeRoots = ['--typeRoots', join(root, 'node_modules/@types')];
  const files = programs.map(({ file }) => file);
  run(join(root, 'node_modules/.bin/tsc'), ['--ignoreConfig', ...strict.split(' '), ...typeRoots, ...files]);
  for (const file of files) console.log(run('node', [file.replace(/ts$/, 'js')]).trim());

  await tryServer();
  console.log(`${commands.length} commands and ${programs.length} programs of the README work.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
