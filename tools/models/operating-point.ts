/**
 * Measures from which score on a model's pictures are worth a look, and writes it to the card of its shipped weights:
 *
 *     npx tsx tools/models/operating-point.ts <samples> [--model tracenet] [--false-alarm-rate 0.05]
 *         [--degradations jpeg_quality=75,resize_scale=0.5+jpeg_quality=90] [--dry-run]
 *
 * <samples> is an index (CSV) or another list that `forgelens evaluate --data` takes, of AUTHENTIC pictures that were
 * neither trained on nor are reported on; at least 1 / rate of them, and better hundreds, as unlike each other as the
 * pictures that people will bring: with --degradations each counts as it is and after each of them. Tampered ones in the list are counted for the sensitivity, and decide nothing. What
 * is found holds for these weights and this rule of the score alone: the card names both, and a model whose card names
 * others is not opened.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '@forgelens/autograd';
import { readDataset } from '@forgelens/data';
import { parseDegradations } from '@forgelens/imaging';
import { defaultModel, openLocalizer } from '@forgelens/localize';
import { measureOperatingPoint } from './measure-operating-point.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: defaultModel },
    'false-alarm-rate': { type: 'string', default: '0.05' },
    degradations: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
});
const [list] = positionals;
const rate = Number(values['false-alarm-rate']);
if (list === undefined || !(rate > 0 && rate < 1))
  throw new UsageError('operating-point: give a list of samples, and a rate between 0 and 1; see the top of this file');
const card = join(import.meta.dirname, '../../packages/localize/weights', values.model, 'card.json');

const samples = await readDataset(list);
const localizer = await openLocalizer(values.model);
const chains = values.degradations?.split(',').map(parseDegradations) ?? [];
const point = await measureOperatingPoint(localizer, samples, rate, chains, done => {
  if (done % 20 === 0) console.error(`${done} of ${samples.length}`);
});
await localizer.close();
const { weightsSha256, scoreRule } = localizer.info;
console.log(
  `Of ${point.images} authentic pictures of ${point.sets.join(', ')}, ${(100 * point.falseAlarmRate).toFixed(1)} % score ${point.score.toFixed(4)} or more` +
    (point.sensitivity === null ? '.' : `; of the tampered ones, ${(100 * point.sensitivity).toFixed(1)} %.`),
);
if (!values['dry-run']) {
  const known = JSON.parse(readFileSync(card, 'utf8')) as object;
  const written = { ...known, operatingPoint: { ...point, weightsSha256, scoreRule } };
  writeFileSync(card, `${JSON.stringify(written, null, 2)}\n`);
  console.log(card);
}
