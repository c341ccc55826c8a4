/**
 * Releases weights of a network of ours with the program:
 *
 *     npx tsx tools/models/release.ts <run folder | checkpoint>
 *     npm run --silent forgelens -- evaluate --data <index.csv> --split dev --json > report.json
 *     npx tsx tools/models/release.ts <run folder | checkpoint> --report report.json [--untrained untrained.json]
 *
 * The first writes packages/localize/weights/<id>/weights.safetensors (of a run folder: its best weights), in float16,
 * and card.json, and draws the run's curve in docs/images; tools/models/operating-point.ts adds the operating point. The
 * last adds scores, which must be of exactly these weights: to card.json, and as tables to docs/models/<id>.md and, of
 * the default, to README.md. `--untrained` is a report on the same pictures by a network that has not learned anything,
 * for comparison.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CheckpointError, DataError, UsageError, writeSafetensors } from '@forgelens/autograd';
import type { ShippedCard } from '@forgelens/localize';
import { defaultModel, operatingPointFor, software } from '@forgelens/localize';
import { bindWeights, createNetwork, narrowed, networks, readCheckpoint } from '@forgelens/models';
import { RunFolder } from '@forgelens/train';
import prettier from 'prettier';
import { curveSvg } from './curve.ts';
import type { ModelReport } from './scores.ts';
import { fillTables, scoresOf, scoreTables } from './scores.ts';

const root = join(import.meta.dirname, '../..');

/** A weights file as it is released, and of which network. The same checkpoint gives the same bytes. */
function release(path: string): { readonly id: string; readonly licence: string; readonly bytes: Uint8Array } {
  const { weights, model, metadata } = readCheckpoint(readFileSync(path), path);
  if (model === null || networks[model.id].source !== 'forgelens')
    throw new CheckpointError(path, `holds weights of ${model?.id ?? 'no named network'}, which is none of ours`);
  const { id } = model;
  bindWeights(createNetwork(model), weights, path);
  const licence = `for research and evaluation; some of the training data state no licence (docs/models/${id}.md)`;
  const recipe = `configs/${id}.yaml`;
  return { id, licence, bytes: writeSafetensors(narrowed(weights), { ...metadata, licence, recipe }) };
}

/** @throws {DataError} when the report is of other weights */
function readReport(path: string, weightsSha256: string | null): ModelReport {
  const report = JSON.parse(readFileSync(path, 'utf8')) as ModelReport;
  if (weightsSha256 !== null && report.model.weightsSha256 !== weightsSha256)
    throw new DataError(
      path,
      `scores weights with SHA-256 ${report.model.weightsSha256}, not the released ${weightsSha256}; evaluate --model ${report.model.id} again`,
    );
  return report;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string' }, untrained: { type: 'string' } },
});
const [given] = positionals;
if (given === undefined || !existsSync(given))
  throw new UsageError(`release: no run folder or checkpoint ${given ?? ''}; see the top of tools/models/release.ts`);
const isRun = statSync(given).isDirectory();
const { id, licence, bytes } = release(isRun ? join(given, 'best.safetensors') : given);
const folder = join(root, 'packages/localize/weights', id);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const report = values.report === undefined ? null : readReport(values.report, sha256);

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'weights.safetensors'), bytes);
const cardFile = join(folder, 'card.json');
const before = existsSync(cardFile) ? (JSON.parse(readFileSync(cardFile, 'utf8')) as ShippedCard) : null;
const operatingPoint = before && operatingPointFor(before, sha256) ? before.operatingPoint : undefined;
const card = { version: software.version, licence, operatingPoint, scores: report ? scoresOf(report) : [] };
writeFileSync(cardFile, `${JSON.stringify(card, null, 2)}\n`);
console.log(`${folder}: ${bytes.length} bytes, SHA-256 ${sha256}, ${card.scores.length} scores`);
if (isRun) {
  mkdirSync(join(root, 'docs/images'), { recursive: true });
  const curve = curveSvg(await new RunFolder(given).readMetrics());
  writeFileSync(join(root, 'docs/images', `${id}-curve.svg`), curve);
}

if (report) {
  const tables = scoreTables(
    report,
    values.untrained === undefined ? null : readReport(values.untrained, null),
    operatingPoint ?? null,
  );
  for (const name of [`docs/models/${id}.md`, ...(id === defaultModel ? ['README.md'] : [])]) {
    const file = join(root, name);
    const text = fillTables(readFileSync(file, 'utf8'), tables);
    writeFileSync(file, await prettier.format(text, { ...(await prettier.resolveConfig(file)), filepath: file }));
  }
}
