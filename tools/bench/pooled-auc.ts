/**
 * npx tsx tools/bench/pooled-auc.ts [pixels]
 *
 * Pooled AUC and average precision of 10⁹ pixels (unless told otherwise) in constant memory, and whether the exact values
 * are within the stated bounds. The pixels are one image of 2²⁰, again and again: so the exact values are those of the
 * image, which sorting finds. Exits 1 where a bound does not hold.
 */
import { Random } from '@forgelens/autograd';
import { Ranking, ScoreHistogram } from '@forgelens/metrics';

/** What a network gives that is sure of most pixels: logits of two classes that overlap, through the sigmoid. */
function makeImage(pixels: number): { readonly scores: Float32Array; readonly labels: Uint8Array } {
  const random = new Random('pooled AUC');
  const labels = Uint8Array.from({ length: pixels }, () => (random.chance(0.1) ? 1 : 0));
  const scores = Float32Array.from(labels, label => 1 / (1 + Math.exp(-random.normal(label ? 1 : -4, 3))));
  return { scores, labels };
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const peakBytes = (): number => 1024 * process.resourceUsage().maxRSS;

const image = makeImage(2 ** 20);
const ranking = Ranking.of(image.scores, image.labels);
const exact = { auc: ranking.auc()!, averagePrecision: ranking.averagePrecision()! };
const times = Math.ceil(Number(process.argv[2] ?? 1e9) / image.scores.length);

const histogram = new ScoreHistogram();
histogram.add(image.scores, image.labels);
const before = peakBytes();
const start = performance.now();
for (let i = 1; i < times; i++) histogram.add(image.scores, image.labels);
const seconds = (performance.now() - start) / 1000;

console.log(
  `${times * image.scores.length} pixels: ${seconds.toFixed(1)} s, ${((1e9 * seconds) / (times - 1) / image.scores.length).toFixed(1)} ns a pixel;`,
  `peak memory ${megabytes(before)} after the first image, ${megabytes(peakBytes())} after all`,
);
for (const name of ['auc', 'averagePrecision'] as const) {
  const { value, errorBound } = histogram[name]()!;
  const error = Math.abs(value - exact[name]);
  const holds = error <= errorBound + 1e-12;
  console.log(
    `${name}: ${value.toFixed(9)} ± ${errorBound.toExponential(1)}; exactly ${exact[name].toFixed(9)}, off by ${error.toExponential(1)}:`,
    holds ? 'within the bound' : 'BEYOND THE BOUND',
  );
  if (!holds) process.exitCode = 1;
}
