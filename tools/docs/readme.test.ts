import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'docs/models/trionet.md',
  'docs/models/tracenet.md',
  'docs/models/trionet.md',
  'docs/models/m2sformer.md',
];

test('the library example of the README is the one that is compiled', () => {
  const [, example] = /```ts\n(.*?)```/s.exec(read('README.md'))!;
  expect(example).toBe(read('docs/examples/locate.ts'));
});

test.each(documents)('%s names only scripts that package.json has', document => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = Array.from(read(document).matchAll(/npm run (?:--silent )?([\w:]+)/g), ([, name]) => name!);
  expect(named.filter(name => !(name in scripts))).toEqual([]);
});

test.each(documents)('%s links and refers only to files that exist', document => {
  const text = read(document);
  const links = Array.from(text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, link]) => join(dirname(document), link!));
  const named = Array.from(text.matchAll(/\b(?:tools|configs|docs)\/[\w/.-]+\.(?:ts|py|yaml|md)\b/g), ([file]) => file);
  expect([...links, ...named].filter(file => !existsSync(join(root, file)))).toEqual([]);
});
