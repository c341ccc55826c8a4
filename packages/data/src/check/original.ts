import { readImage, type Image, type Mask } from '@forgelens/imaging';

import type { Sample } from '../sample.ts';
import { readTruth } from '../truth.ts';

/**
 * What an untampered original says of a mask: a forgery differs from its original where it was tampered with, and hardly
 * elsewhere. Of several authentic pictures of one size the one that agrees best in either part is taken for the
 * original; `unknown` without one.
 */
export async function judgeMask(
  sample: Sample,
  authentic: readonly Sample[],
): Promise<{ readonly mask: 'right' | 'inverted'; readonly original: string } | 'unknown'> {
  const image = await readImage(sample.image);
  const truth = await readTruth(sample, image);
  let best: { inside: number; outside: number; original: string } | null = null;
  for (const { id, image: path } of authentic) {
    const original = await readImage(path).catch(() => null);
    if (original?.width !== image.width || original.height !== image.height) continue;
    const found = { ...differences(image, original, truth), original: id };
    if (best === null || Math.min(found.inside, found.outside) < Math.min(best.inside, best.outside)) best = found;
  }
  if (best === null) return 'unknown';
  const { inside, outside, original } = best;
  // Compression changes all of a picture by a few levels of 255; tampering changes its part by dozens.
  if (Math.min(inside, outside) > 8 || Math.max(inside, outside) < 2 * Math.min(inside, outside) + 1) return 'unknown';
  return { mask: inside > outside ? 'right' : 'inverted', original };
}

/** The mean absolute difference of two images, 0–255, where a mask marks and where it does not. */
function differences(a: Image, b: Image, mask: Mask): { inside: number; outside: number } {
  const [sums, counts] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < a.data.length; i++) {
    const part = mask.data[Math.floor(i / 3)]!;
    sums[part]! += Math.abs(a.data[i]! - b.data[i]!);
    counts[part]! += 1;
  }
  return { inside: sums[1]! / Math.max(1, counts[1]!), outside: sums[0]! / Math.max(1, counts[0]!) };
}
