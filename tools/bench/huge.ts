/**
 * A photograph of 100 megapixels through the whole of `forgelens analyze`, and the memory that it takes:
 *
 *     npx tsx tools/bench/huge.ts [--model <id|checkpoint>] [--width 12000] [--height 8400]
 *         [--orientation 6] [--keep <folder>] [-- <options of forgelens analyze>]
 *
 * The photograph is a mosaic of the examples, turned and mirrored, saved as JPEG of quality 90. Memory is the sum of what
 * all processes of the tree have resident (VmRSS), asked for twenty times a second, and the greatest that the kernel saw of
 * the program's own process (VmHWM). For Linux.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readImage } from '@forgelens/imaging';
import sharp from 'sharp';

const examples = join(import.meta.dirname, '../../examples/authentic');

/** Writes the mosaic, row of examples by row, so that making it takes little. */
async function writeMosaic(path: string, width: number, height: number, orientation: number): Promise<void> {
  const photographs = [];
  for (const name of readdirSync(examples)) photographs.push(await readImage(join(examples, name)));
  const side = Math.min(...photographs.flatMap(photo => [photo.width, photo.height]));
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [column, row] = [Math.floor(x / side), Math.floor(y / side)];
      const { data, width: stride } = photographs[(column + 3 * row) % photographs.length]!;
      // Mirrored every other time, so that tiles meet without edges.
      const u = column % 2 === 0 ? x % side : side - 1 - (x % side);
      const v = row % 2 === 0 ? y % side : side - 1 - (y % side);
      const [from, to] = [3 * (v * stride + u), 3 * (y * width + x)];
      for (let c = 0; c < 3; c++) pixels[to + c] = data[from + c]!;
    }
  await sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .withMetadata({ orientation })
    .jpeg({ quality: 90 })
    .toFile(path);
}

/** A line of /proc/<pid>/status in MB; 0 for a process that has ended. */
function statusMegabytes(pid: number, key: 'VmRSS' | 'VmHWM'): number {
  try {
    const [, kilobytes] = new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return (Number(kilobytes ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

function processTree(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return [pid, ...children.flatMap(child => processTree(Number(child)))];
  } catch {
    return [];
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'trionet' },
    width: { type: 'string', default: '12000' },
    height: { type: 'string', default: '8400' },
    orientation: { type: 'string', default: '1' },
    keep: { type: 'string' },
  },
});
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'forgelens-huge-'));
const picture = join(folder, 'huge.jpg');
if (!existsSync(picture))
  await writeMosaic(picture, Number(values.width), Number(values.height), Number(values.orientation));
console.log(
  `${values.width} × ${values.height} px, orientation ${values.orientation}, ${(statSync(picture).size / 1e6).toFixed(0)} MB`,
);

const program = join(import.meta.dirname, '../../apps/cli/src/main.ts');
const out = join(folder, 'out');
const args = ['analyze', picture, '--out', out, '--model', values.model, ...positionals];
const start = performance.now();
const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
let [peak, ownPeak] = [0, 0];
const sampling = setInterval(() => {
  const total = processTree(child.pid!).reduce((sum, pid) => sum + statusMegabytes(pid, 'VmRSS'), 0);
  peak = Math.max(peak, total);
  ownPeak = Math.max(ownPeak, statusMegabytes(child.pid!, 'VmHWM'));
}, 50);
const code = await new Promise<number | null>(resolve => child.on('exit', resolve));
clearInterval(sampling);
console.log(`exit code ${code} after ${((performance.now() - start) / 1000).toFixed(0)} s`);
console.log(
  `peak of all processes ${peak.toFixed(0)} MB; of the program's own (VmHWM) ${ownPeak.toFixed(0)} MB; ` +
    `files: ${readdirSync(out).join(', ')}`,
);
if (!values.keep) rmSync(folder, { recursive: true });
