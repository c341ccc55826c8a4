/**
 * Lines of code per room: `npm run size` prints a table and exits 1 where a room has outgrown its budget.
 *
 * Blank lines and comments count: they are read, too. Tests are shown and have no budget. Generated code is left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lines that each room may have. Raise one in the change that needs it, and say there why it is worth reading more. */
const budgets = {
  'packages/autograd': 5500,
  'packages/nn': 1500,
  'packages/models': 4500,
  'packages/imaging': 1700,
  'packages/data': 5200,
  'packages/evidence': 2700,
  'packages/metrics': 1200,
  'packages/localize': 1000,
  'packages/analysis': 700,
  'packages/train': 1900,
  'packages/evaluate': 1900,
  'packages/report': 3100,
  'apps/cli': 3400,
  'apps/library': 50,
  'apps/server': 2600,
  'apps/web': 3400,
  tools: 6500,
};

const root = join(import.meta.dirname, '..');

function countLines(room: string): { code: number; tests: number } {
  const files = readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).filter(
    file => /\.tsx?$/.test(file) && !/(^|[\\/])(node_modules|dist|generated)[\\/]/.test(file),
  );
  const lines = (names: string[]) =>
    names.reduce((sum, name) => sum + readFileSync(join(root, room, name), 'utf8').split('\n').length - 1, 0);
  return {
    code: lines(files.filter(file => !file.endsWith('.test.ts'))),
    tests: lines(files.filter(file => file.endsWith('.test.ts'))),
  };
}

const rows = Object.entries(budgets).map(([room, budget]) => ({ room, ...countLines(room), budget }));
console.table(Object.fromEntries(rows.map(({ room, ...row }) => [room, row])));
for (const { room, code, budget } of rows.filter(row => row.code > row.budget)) {
  console.error(
    `${room}: ${code} lines against a budget of ${budget}; shorten it, or raise the budget in tools/size.ts`,
  );
  process.exitCode = 1;
}
