import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Versions = Readonly<Record<string, string>>;
/** A file, or files by condition, as `exports` in a package.json has them. */
type Target = string | { readonly [condition: string]: Target };

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license: string;
  readonly engines?: Versions;
  readonly exports?: Readonly<Record<string, Target>>;
  readonly imports?: Readonly<Record<string, Target>>;
  readonly dependencies?: Versions;
  readonly optionalDependencies?: Versions;
  readonly peerDependencies?: Versions;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

const roomsOf = (root: string): readonly string[] =>
  ['packages', 'apps']
    .flatMap(parent => readdirSync(join(root, parent)).map(name => `${parent}/${name}`))
    .filter(room => existsSync(join(root, room, 'package.json')));

/**
 * The package.json of the published package: every room's exports under the package's own name (`./nn`,
 * `./autograd/runtime/web`, …), the library as the package itself, and what the rooms depend on.
 *
 * @throws {Error} when two rooms want different versions of a package, or different files by one name
 */
export function packageManifest(root: string): object {
  const read = (folder: string) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const workspace = read('.');
  const rooms = roomsOf(root).map(folder => ({ folder, ...read(folder) }));
  const exports: Record<string, Target> = {};
  const imports: Record<string, Target> = {};
  for (const { folder, exports: own = {}, imports: inner = {} } of rooms) {
    for (const [name, target] of Object.entries(inner)) {
      if (name in imports) throw new Error(`two rooms import by the name ${name}; rename one`);
      imports[name] = published(target, folder);
    }
    for (const [subpath, target] of Object.entries(own)) {
      if (/^\.\/testing/.test(subpath)) continue;
      const name = folder === 'apps/library' ? '.' : `./${folder.split('/')[1]}${subpath.slice(1)}`;
      exports[name] = published(target, folder);
    }
  }
  // What the page depends on is within the page.
  const running = rooms.filter(({ folder }) => folder !== 'apps/web');
  exports['./package.json'] = './package.json';
  return {
    name: 'forgelens',
    version: rooms[0]!.version,
    description: workspace.description,
    license: workspace.license,
    keywords: ['image-forensics', 'image-forgery', 'tampering-localization', 'onnx', 'machine-learning'],
    type: 'module',
    engines: workspace.engines,
    bin: { forgelens: './apps/cli/src/main.js' },
    exports,
    imports,
    dependencies: merged(running.map(room => room.dependencies)),
    optionalDependencies: merged(running.map(room => room.optionalDependencies)),
    peerDependencies: merged(running.map(room => room.peerDependencies)),
    peerDependenciesMeta: Object.assign({}, ...running.map(room => room.peerDependenciesMeta)) as object,
  };
}

/** Where a target of a room lies once it is JavaScript, with its types. */
function published(target: Target, folder: string): Target {
  if (typeof target !== 'string')
    return Object.fromEntries(
      Object.entries(target).map(([condition, inner]) => [condition, published(inner, folder)]),
    );
  const file = `./${folder}/${target.slice(2).replace(/\.ts$/, '')}`;
  return { types: `${file}.d.ts`, default: `${file}.js` };
}

/** Dependencies of all rooms but for those on rooms, by name. */
function merged(lists: readonly (Versions | undefined)[]): Versions {
  const all = new Map<string, string>();
  for (const [name, version] of lists.flatMap(list => Object.entries(list ?? {}))) {
    if (name.startsWith('@forgelens/')) continue;
    const known = all.get(name) ?? version;
    if (known !== version) throw new Error(`rooms want ${name} in versions ${known} and ${version}; choose one`);
    all.set(name, version);
  }
  return Object.fromEntries([...all].sort(([a], [b]) => a.localeCompare(b)));
}
