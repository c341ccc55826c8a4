/**
 * npx tsx tools/bench/walks.ts [largest side]
 *
 * What SDPAL's walk takes as its map grows: all walks by matrices of pixels × pixels, as the official code does, against
 * sampled walks. Products and activations are counted from the graph; time is that of a second run, and memory the
 * peak of a process of its own, less that of one without a graph.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Graph, Value } from '@forgelens/autograd';
import { Random, Tensor, build, constant, costOf, float32, input } from '@forgelens/autograd';
import { nodeCpu } from '@forgelens/autograd/runtime/node';
import { drawCandidates, mapToNodes, sampledWalk, walkPixels } from '@forgelens/models';

const channels = 1024;
const walksPerPixel = 8;
const steps = 3;

const forms: Readonly<Record<string, (map: Value, side: number) => Value>> = {
  all: map => walkPixels(map),
  sampled(map, side) {
    const random = new Random('draws');
    const shape = [steps, side * side * walksPerPixel];
    const numbers = Array.from({ length: shape[0]! * shape[1]! }, () => random.uniform());
    return sampledWalk(mapToNodes(map), {
      candidates: drawCandidates(side, side),
      draws: constant(float32(shape, numbers)),
    });
  },
};

function graphOf(form: string, side: number): { readonly graph: Graph; readonly map: Tensor } {
  const random = new Random('map');
  const map = new Tensor('float32', [1, channels, side, side]);
  for (let i = 0; i < map.size; i++) map.data[i] = random.uniform();
  const x = input('float32', map.shape);
  return { graph: build({ inputs: { x }, outputs: { seen: forms[form]!(x, side) } }), map };
}

const peakBytes = (): number => 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]);

async function measure(form: string, side: number): Promise<{ readonly ms: number; readonly bytes: number }> {
  const { graph, map } = graphOf(form, side);
  const before = peakBytes();
  const executable = await nodeCpu({ threads: 2 }).compile(graph);
  let ms = 0;
  for (let i = 0; i < 2; i++) {
    const start = performance.now();
    await executable.run({ x: map });
    ms = performance.now() - start;
  }
  await executable.close();
  return { ms, bytes: peakBytes() - before };
}

const [first, second] = process.argv.slice(2);
if (first !== undefined && first in forms) console.log(JSON.stringify(await measure(first, Number(second))));
else {
  const largest = Number(first ?? 128);
  console.log('| map | walks | products, G | activations, MB | time, s | peak, MB |\n|---|---|---|---|---|---|');
  for (const side of [32, 64, 96, 128].filter(side => side <= largest))
    for (const form of Object.keys(forms)) {
      const { multiplyAdds, activationBytes } = costOf(graphOf(form, side).graph);
      // The cosines of sampled walks are sums of elementwise products, which are not counted.
      const compared = form === 'sampled' ? side * side * drawCandidates(1, 2).shape[1]! * channels : 0;
      const products = Object.values(multiplyAdds).reduce((a, b) => a + b, compared);
      const self = [...process.execArgv, fileURLToPath(import.meta.url), form, String(side)];
      const child = spawnSync(process.execPath, self, { encoding: 'utf8' });
      const measured = child.status === 0 ? (JSON.parse(child.stdout) as Awaited<ReturnType<typeof measure>>) : null;
      const cells = [
        `${side} × ${side}`,
        form,
        (products / 1e9).toFixed(2),
        (activationBytes.peak / 1e6).toFixed(0),
        measured ? (measured.ms / 1000).toFixed(2) : 'failed',
        measured ? (measured.bytes / 1e6).toFixed(0) : 'failed',
      ];
      console.log(`| ${cells.join(' | ')} |`);
    }
}
