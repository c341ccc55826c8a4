/**
 * The layer fence: `npm run layers` prints `file:line  rule` for each import that crosses a room's wall, and exits 1.
 *
 * A room is a folder in packages/ or apps/. Its walls are its package.json: `dependencies` is what it may import,
 * `exports` is what others may import of it, and `imports` are names for files of its own that differ in a browser.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path/posix';
import ts from 'typescript';

interface Manifest {
  readonly name: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly imports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Rooms by folder, such as `packages/nn`. */
type Rooms = ReadonlyMap<string, Manifest>;

/** Files that only describe computations: the same in Node and in a browser, and the same each time. */
const pureFile =
  /^packages\/(autograd\/src\/(?!runtime\/|testing\/)|evidence\/src\/(?!tools\.ts)|nn\/|models\/|metrics\/)/;
const testFile = /\.test\.ts$|\/src\/testing(\/|\.ts$)/;
const impureNames = new Set(
  'Buffer console crypto Date document fetch globalThis navigator performance process'.split(' '),
);

/** Every broken rule under `root`, as `file:line  rule`. */
export function findBreaches(root: string): string[] {
  const manifestOf = (folder: string) =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const folders = ['packages', 'apps']
    .flatMap(parent => readdirSync(join(root, parent)).map(name => `${parent}/${name}`))
    .filter(folder => existsSync(join(root, folder, 'package.json')));
  const rooms: Rooms = new Map(folders.map(folder => [folder, manifestOf(folder)]));
  const testTools = Object.keys(manifestOf('.').devDependencies ?? {});

  const breaches = findCircles(rooms);
  for (const room of rooms.keys())
    for (const name of readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).sort()) {
      const file = `${room}/${name.replaceAll('\\', '/')}`;
      if (!/\.tsx?$/.test(file) || /\/(node_modules|dist)\//.test(file)) continue;
      const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
      const report = (position: number, rule: string) =>
        breaches.push(`${file}:${source.getLineAndCharacterOfPosition(position).line + 1}  ${rule}`);
      checkImports(source, room, rooms, testTools, report);
      if (pureFile.test(file) && !testFile.test(file)) checkPurity(source, report);
    }
  return breaches;
}

type Report = (position: number, rule: string) => void;

function checkImports(source: ts.SourceFile, room: string, rooms: Rooms, testTools: string[], report: Report): void {
  const { imports = {}, dependencies = {}, devDependencies = {}, peerDependencies = {} } = rooms.get(room)!;
  const inTest = testFile.test(source.fileName);
  const allowed = new Set([
    ...Object.keys(dependencies),
    ...Object.keys(peerDependencies),
    ...(inTest ? [...Object.keys(devDependencies), ...testTools] : []),
  ]);

  for (const { fileName: imported, pos } of ts.preProcessFile(source.text, true, true).importedFiles) {
    if (imported.startsWith('.')) {
      if (!join(dirname(source.fileName), imported).startsWith(`${room}/`))
        report(pos, `imports ${imported}, a file outside ${room}; import a room by its package name`);
      continue;
    }
    if (imported in imports || imported.startsWith('node:') || isBuiltin(imported)) continue;
    const name = imported.split('/', imported.startsWith('@') ? 2 : 1).join('/');
    if (!allowed.has(name)) report(pos, `imports ${name}, which is not in the dependencies of ${room}/package.json`);
    const other = [...rooms.values()].find(manifest => manifest.name === name);
    if (other && !(imported.replace(name, '.') in (other.exports ?? {})))
      report(pos, `imports ${imported}, which ${name} does not export; import an exported subpath`);
  }
}

function checkPurity(source: ts.SourceFile, report: Report): void {
  for (const { fileName: imported, pos } of ts.preProcessFile(source.text, true, true).importedFiles)
    if (imported.startsWith('node:') || isBuiltin(imported)) report(pos, `imports ${imported} in a pure room`);

  const visit = (node: ts.Node): void => {
    const isMember = 'name' in node.parent && node.parent.name === node;
    if (ts.isIdentifier(node) && impureNames.has(node.text) && !isMember)
      report(node.getStart(), `uses ${node.text} in a pure room`);
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random')
      report(node.getStart(), 'uses Math.random in a pure room; take a seeded generator as an argument');
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
}

/** Circles of `dependencies`, each told once, from its first room in alphabetical order. */
function findCircles(rooms: Rooms): string[] {
  const next = new Map(Array.from(rooms.values(), ({ name, dependencies = {} }) => [name, Object.keys(dependencies)]));
  const walk = (path: readonly string[]): string[] =>
    (next.get(path.at(-1)!) ?? []).flatMap(name => {
      if (name === path[0]) return [[...path, name].join(' → ')];
      return name < path[0]! || path.includes(name) ? [] : walk([...path, name]);
    });
  return Array.from(rooms, ([room, { name }]) =>
    walk([name]).map(circle => `${room}/package.json:1  circle: ${circle}`),
  ).flat();
}

if (import.meta.filename === process.argv[1]) {
  const breaches = findBreaches(join(import.meta.dirname.replaceAll('\\', '/'), '..'));
  for (const breach of breaches) console.error(breach);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}
