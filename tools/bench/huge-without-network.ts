/** The program with a map made of luma in place of a network's; see `huge.ts`. */
import { scoreOf, tileSpans } from '@forgelens/localize';
import type { Localizer } from '@forgelens/localize';
import { main } from '../../apps/cli/src/program.ts';
import { models } from '../../apps/cli/src/shipped-models.ts';

const localizer: Localizer = {
  info: {
    ...{ id: 'luma', version: '1', name: 'Luma', parameters: 0, licence: 'none needed', weightsSha256: '0'.repeat(64) },
    ...{ input: 'RGB', sizePolicy: 'native', scoreRule: 'highest', operatingPoint: null, limitations: [] },
  },
  locate({ width, height, data }, { onProgress } = {}) {
    const probabilities = new Float32Array(width * height);
    for (let i = 0; i < probabilities.length; i++)
      probabilities[i] = (0.3 * data[3 * i]! + 0.6 * data[3 * i + 1]! + 0.1 * data[3 * i + 2]!) / 255;
    const tiles = { size: 768, overlap: 128, columns: tileSpans(width).length, rows: tileSpans(height).length };
    onProgress?.(tiles.columns * tiles.rows, tiles.columns * tiles.rows);
    return Promise.resolve({
      ...{ width, height, probabilities },
      score: scoreOf(probabilities),
      seen: { scale: [1, 1], tiles },
    });
  },
  close: () => Promise.resolve(),
};

process.exitCode = await main(
  process.argv.slice(2),
  { stdout: process.stdout, stderr: process.stderr, cwd: process.cwd(), env: process.env },
  { ...models, open: () => Promise.resolve(localizer) },
);
