/**
 * npm run placement -- unet m2sformer --batch 2 --size 64 [--run]
 *
 * Where ONNX Runtime's WebGPU provider puts the nodes of training steps: how many each provider has, and every operator
 * that is left to the CPU, with the types of its inputs and the source line that made it. With --run also how far the
 * results of one step are from the same step on the CPU. Without a GPU it works on a software one, such as that of
 * Debian's chromium: VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json npm run placement
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readPlacement } from './placed.ts';
import type { StepReport } from './step.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: 'string', default: '2' },
    size: { type: 'string', default: '64' },
    run: { type: 'boolean', default: false },
  },
});
const models = positionals.length > 0 ? positionals : ['unet', 'm2sformer', 'cdfl', 'sdpal', 'mpc'];

const shownExamples = 3;

for (const model of models) {
  const { batch, size, run } = values;
  // The log goes to a file: a full pipe would make ONNX Runtime drop the rest of it.
  const folder = mkdtempSync(join(tmpdir(), 'forgelens-placement-'));
  const log = openSync(join(folder, 'log'), 'w');
  const { stdout, status } = spawnSync(
    process.execPath,
    [...process.execArgv, fileURLToPath(new URL('step.ts', import.meta.url)), model, batch, size, run ? 'run' : ''],
    { encoding: 'utf8', maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', log] },
  );
  closeSync(log);
  const stderr = readFileSync(join(folder, 'log'), 'utf8');
  rmSync(folder, { recursive: true });
  if (status !== 0) throw new Error(`${model}: the process ended with ${status}:\n${stderr.slice(-2000)}`);
  const { counts, onCpu } = readPlacement(stderr);
  const { nodes, differences, seconds } = JSON.parse(stdout) as StepReport;
  const placed = [...counts].map(([provider, count]) => `${count} nodes on ${provider}`);
  console.log(`${model}, batch ${batch}, ${size}×${size}: ${placed.join(', ')}`);

  for (const operator of new Set(onCpu.map(node => node.operator))) {
    const named = onCpu.filter(node => node.operator === operator);
    console.log(`  on the CPU: ${named.length} × ${operator}`);
    for (const { name } of named.slice(0, shownExamples)) {
      const node = nodes[name];
      console.log(`    ${node ? `${node.inputs}\n      ${node.origin.join('\n      ')}` : `${name}, by ONNX Runtime`}`);
    }
  }

  if (differences === undefined) continue;
  const furthest = (matches: (name: string) => boolean): string => {
    const [name, difference] = Object.entries(differences)
      .filter(([name]) => matches(name))
      .reduce((a, b) => (b[1] > a[1] ? b : a));
    return `${difference.toExponential(1)} (${name.replace('next.', '')})`;
  };
  console.log(
    `  one step took ${seconds!.toFixed(1)} s; differences from the CPU: loss ${furthest(n => n === 'loss')},`,
  );
  // After one step Adam's first moment is a tenth of the gradient.
  console.log(`  gradients at most ${furthest(name => name.startsWith('next.adamw.m.'))},`);
  console.log(`  weights at most ${furthest(name => /^next\.(?!adamw\.)/.test(name))}`);
}
