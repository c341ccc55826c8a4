/**
 * The program with a network that looks at the first 20 tiles of a huge picture; their map is repeated for the rest. See
 * `huge.ts`.
 */
import { crop } from '@forgelens/imaging';
import { hugeTileSize, openLocalizer, scoreOf, tileSpans } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { main } from '../../apps/cli/src/program.ts';
import { models } from '../../apps/cli/src/shipped-models.ts';

/** So much that tiles of 512 px are the largest that TraceNet fits into. */
const maxBytes = 120e6;
const [partWidth, partHeight] = [2048, 1664];

async function openForFewTiles(id: string): Promise<Localizer> {
  const localizer = await openLocalizer(id, undefined, { maxBytes });
  return {
    ...localizer,
    async locate(image, options) {
      const { width, height } = image;
      const part = await localizer.locate(crop(image, 0, 0, partWidth, partHeight), options);
      if (part.seen.tiles?.size !== hugeTileSize) throw new Error(`tiles of ${part.seen.tiles?.size} px`);
      const probabilities = new Float32Array(width * height);
      for (let i = 0; i < probabilities.length; i++) {
        const [x, y] = [(i % width) % partWidth, Math.floor(i / width) % partHeight];
        probabilities[i] = part.probabilities[y * partWidth + x]!;
      }
      const [columns, rows] = [tileSpans(width, hugeTileSize).length, tileSpans(height, hugeTileSize).length];
      const tiles = { ...part.seen.tiles, columns, rows };
      return { width, height, probabilities, score: scoreOf(probabilities), seen: { ...part.seen, tiles } };
    },
  };
}

process.exitCode = await main(
  process.argv.slice(2),
  { stdout: process.stdout, stderr: process.stderr, cwd: process.cwd(), env: process.env },
  { ...models, open: openForFewTiles },
);
