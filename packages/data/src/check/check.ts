import { basename } from 'node:path';

import { groupBy } from '../group-by.ts';
import { dataSets, type DataSetName } from '../readers/data-sets.ts';
import type { Defect } from '../readers/layout.ts';
import type { Listing } from '../readers/listing.ts';
import type { Sample } from '../sample.ts';
import { maskFiles } from '../truth.ts';
import { compare } from './compare.ts';
import { findingKinds, type Finding, type FindingKind } from './finding.ts';
import { inspect, type Inspection } from './inspect.ts';
import { judgeMask } from './original.ts';

/** What was looked at, and what was found. */
export interface CheckReport {
  readonly path: string;
  readonly samples: number;
  readonly tampered: number;
  readonly authentic: number;
  /** How many findings there are of each kind that there is. */
  readonly counts: Readonly<Partial<Record<FindingKind, number>>>;
  readonly findings: readonly Finding[];
  /** What is published to be wrong with the data set as a whole. */
  readonly known: readonly string[];
  /** SHA-256 of each file that could be read, by absolute path. */
  readonly hashes: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  /** The data set that it is, whose published defects are named. */
  readonly dataset?: DataSetName;
  readonly onProgress?: (done: number, sample: Sample) => void;
  readonly signal?: AbortSignal;
}

/** How many samples are read at a time: decoding has threads of its own. */
const atATime = 4;

/**
 * Reads every file of a listing and tells what is wrong with it. No file is changed.
 *
 * @throws the signal's reason, because a part of a check is none
 */
export async function checkDataset(
  listing: Listing & { readonly hashes?: ReadonlyMap<string, string> },
  { dataset, onProgress, signal }: CheckOptions = {},
): Promise<CheckReport> {
  const { path, samples, problems, hashes: expected = new Map<string, string>() } = listing;
  const inspections: Inspection[] = [];
  let done = 0;
  const queue = samples.entries();
  const work = async (): Promise<void> => {
    for (const [i, sample] of queue) {
      signal?.throwIfAborted();
      inspections[i] = await inspect(sample, expected);
      onProgress?.(++done, sample);
    }
  };
  await Promise.all(Array.from({ length: atATime }, work));

  const defects: readonly Defect[] = dataset ? dataSets[dataset].defects : [];
  const byId = new Map(samples.map(sample => [sample.id, sample]));
  const found: Finding[] = [
    ...problems.map(({ kind, path: id, text }) => ({ kind, ids: [id], text })),
    ...(await withOriginals(inspections)),
    ...compare(inspections),
  ];
  const order = Object.keys(findingKinds);
  const findings = found
    .map(finding => withDefect(finding, defects, byId))
    .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const counts: Partial<Record<FindingKind, number>> = {};
  for (const { kind } of findings) counts[kind] = (counts[kind] ?? 0) + 1;
  const tampered = samples.filter(({ label }) => label === 1).length;
  return {
    path,
    samples: samples.length,
    tampered,
    authentic: samples.length - tampered,
    counts,
    findings,
    known: defects.filter(({ files }) => files === undefined).map(({ what }) => what),
    hashes: new Map(inspections.flatMap(({ hashes }) => [...hashes])),
  };
}

/** The findings about single samples; what an original can tell of a mask that looks inverted is asked of it. */
async function withOriginals(inspections: readonly Inspection[]): Promise<Finding[]> {
  const authentic = groupBy(
    inspections.filter(({ sample, print }) => sample.label === 0 && print !== null).map(({ sample }) => sample),
    ({ group }) => group,
  );
  const judged = inspections.flatMap(({ sample, findings }) =>
    findings.map(async (finding): Promise<Finding[]> => {
      if (finding.kind !== 'inverted-mask') return [finding];
      const verdict = await judgeMask(sample, authentic.get(sample.group) ?? []);
      if (verdict === 'unknown') return [{ ...finding, repair: {} }];
      const text = `${finding.text}; so says ${verdict.original}, which differs where it marks nothing`;
      return verdict.mask === 'right' ? [] : [{ ...finding, text }];
    }),
  );
  return (await Promise.all(judged)).flat();
}

/** A finding with what is published about its files. */
function withDefect(finding: Finding, defects: readonly Defect[], byId: ReadonlyMap<string, Sample>): Finding {
  const names = finding.ids.flatMap(id => {
    const sample = byId.get(id);
    return [id, ...(sample ? maskFiles(sample) : [])].map(file => basename(file));
  });
  const known = defects.find(({ files }) => files !== undefined && names.some(name => files.test(name)))?.what;
  return known === undefined ? finding : { ...finding, known };
}
