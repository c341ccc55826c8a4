import type { Excluded, LocatedImage, Protocol, Report } from '@forgelens/evaluate';
import { ownProtocol, protocols, Tally } from '@forgelens/evaluate';

/** An image of 8×8 whose left half is tampered, if it is; of each row, the first `found` pixels are found. */
export function halfImage(set: string, id: string, label: 0 | 1, found: number): LocatedImage {
  const columns = Array.from({ length: 64 }, (_, i) => i % 8);
  return {
    ...{ set, id, label, width: 8, height: 8, score: found / 8 },
    levels: Uint8Array.from(columns, x => (label === 1 && x < 4 ? 255 : 0)),
    probabilities: Float32Array.from(columns, x => (x < found ? 0.9 : 0.1)),
  };
}

/** A report of such images. */
export function reportOf(
  images: readonly LocatedImage[],
  {
    id = 'brightness',
    by = [protocols.forgelens, protocols.m2sformer],
    excluded = [],
  }: { id?: string; by?: readonly Protocol[]; excluded?: readonly Excluded[] } = {},
): Report {
  const tally = new Tally(by);
  for (const image of images) tally.add(image);
  const sets = [...new Set(images.map(({ set }) => set))].sort();
  const ofSet = (name: string | null) => {
    const scored = images.filter(({ set }) => name === null || set === name).length;
    return { samples: scored + excluded.length, scored, excluded: excluded.length, ...tally.summarize(name) };
  };
  return {
    schemaVersion: 1,
    software: { name: 'forgelens', version: '1.2.3' },
    model: { id, version: '1', weightsSha256: 'ab'.repeat(32), sizePolicy: 'native' },
    data: { path: 'data/index.csv', split: 'dev' },
    manifestSha256: '12'.repeat(32),
    protocol: ownProtocol,
    overall: ofSet(null),
    sets: Object.fromEntries(sets.map(set => [set, ofSet(set)])),
    protocols: tally.measure(sets),
    excluded,
    images: tally.rows(),
  };
}

/** Four tampered images, of which one is found better than the other, and two authentic ones. */
export const someImages: readonly LocatedImage[] = [
  halfImage('a', 'found.png', 1, 4),
  halfImage('a', 'half.png', 1, 2),
  halfImage('b', 'too much.png', 1, 6),
  halfImage('b', 'missed <b>.png', 1, 0),
  halfImage('b', 'alarmed.png', 0, 1),
  halfImage('b', 'quiet.png', 0, 0),
];

/** The cells of a page's tables, one line for each row. */
export const tableRows = (page: string): string[] =>
  [...page.matchAll(/<tr[^>]*>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[hd][^>]*>([\s\S]*?)<\/t[hd]>/g)]
      .map(([, cell]) =>
        cell!
          .replaceAll(/<[^>]+>/g, '')
          .replaceAll(/\s+/g, ' ')
          .trim(),
      )
      .join(' | '),
  );
