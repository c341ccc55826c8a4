/** The image's score, in words: see `scoreOf`. */
export const scoreRule = 'mean of the highest 1 % of the probabilities';

/** The score of an image: the mean of the highest 1 % of its probabilities, at least one pixel. Exact, without sorting. */
export function scoreOf(probabilities: Float32Array): number {
  const count = Math.max(1, Math.round(probabilities.length / 100));
  const least = highest(probabilities, count);
  let [sum, above] = [0, 0];
  for (let i = 0; i < probabilities.length; i++)
    if (probabilities[i]! > least) {
      sum += probabilities[i]!;
      above++;
    }
  return Math.min(1, (sum + (count - above) * least) / count);
}

/**
 * The n-th highest of numbers of which none is negative. The bits of such numbers order as the numbers do, so it is found
 * by counting: first by the upper 16 bits of all, then by the lower 16 bits of those that share its upper ones.
 */
function highest(values: Float32Array, n: number): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const [uppers, lowers] = [new Uint32Array(0x10000), new Uint32Array(0x10000)];
  for (let i = 0; i < bits.length; i++) uppers[bits[i]! >>> 16]!++;
  const [upper, above] = binOf(n, uppers);
  for (let i = 0; i < bits.length; i++) if (bits[i]! >>> 16 === upper) lowers[bits[i]! & 0xffff]!++;
  const [lower] = binOf(n - above, lowers);
  return new Float32Array(Uint32Array.of(upper * 0x10000 + lower).buffer)[0]!;
}

/** The bin that the n-th highest number is in, and how many numbers are in the bins above. */
function binOf(n: number, counts: Uint32Array): readonly [bin: number, above: number] {
  let [bin, above] = [counts.length - 1, 0];
  for (; above + counts[bin]! < n; bin--) above += counts[bin]!;
  return [bin, above];
}
