import { parse } from 'node:path';

import { groupBy } from '../group-by.ts';
import { connectedGroups } from '../groups.ts';
import type { Sample } from '../sample.ts';
import type { Finding } from './finding.ts';
import type { Inspection } from './inspect.ts';
import { nearDuplicates } from './perceptual-hash.ts';

/** What is wrong between samples: duplicates, near duplicates, sources on several sides of a split, equal names. */
export function compare(inspections: readonly Inspection[]): Finding[] {
  const samples = inspections.map(({ sample }) => sample);
  return [...duplicates(inspections), ...alike(inspections), ...sharedSources(samples), ...equalNames(samples)];
}

const several = <T>(groups: Map<unknown, T[]>): T[][] => [...groups.values()].filter(group => group.length > 1);
const ids = (samples: readonly Sample[]): string[] => samples.map(({ id }) => id);

/** The first few of a list, and how many more there are. */
const some = (names: readonly string[]): string =>
  names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');

function duplicates(inspections: readonly Inspection[]): Finding[] {
  const decoded = inspections.filter(({ pixels }) => pixels !== null);
  return several(groupBy(decoded, ({ pixels }) => pixels)).map(group => {
    const samples = group.map(({ sample }) => sample);
    const contrary = new Set(samples.map(({ label }) => label)).size > 1;
    const splits = splitsOf(samples);
    const facts = [
      `${samples.length} samples have the same pixels: ${some(ids(samples))}`,
      ...(contrary ? ['some are listed as tampered and some as authentic'] : []),
      ...(splits.length > 1 ? [`they are in the splits ${splits.join(' and ')}`] : []),
    ];
    return {
      kind: 'duplicate',
      ids: ids(samples),
      text: facts.join('; '),
      repair: { leaveOut: ids(contrary ? samples : samples.slice(1)) },
    };
  });
}

/** Near duplicates that are not known to have one source; that forgeries look like their originals is no finding. */
function alike(inspections: readonly Inspection[]): Finding[] {
  const seen = inspections.filter(({ print }) => print !== null);
  const pairs = nearDuplicates(seen.map(({ print }) => print!))
    .map(([i, j]) => [seen[i]!, seen[j]!] as const)
    .filter(([a, b]) => a.pixels !== b.pixels && a.sample.group !== b.sample.group);
  const together = connectedGroups(pairs.map(([a, b]) => [a.sample.id, b.sample.id]));
  return [...groupBy(pairs.keys(), i => together[i]!).values()].map((members): Finding => {
    const samples = [...new Set(members.flatMap(i => pairs[i]!.map(({ sample }) => sample)))];
    const splits = splitsOf(samples);
    const look = `${samples.length} samples look the same but have no common source by their names: ${some(ids(samples))}`;
    return splits.length > 1
      ? {
          kind: 'leak',
          ids: ids(samples),
          text: `${look}; they are in the splits ${splits.join(' and ')}`,
          repair: { leaveOut: ids(learned(samples)) },
        }
      : { kind: 'near-duplicate', ids: ids(samples), text: look, repair: { join: ids(samples) } };
  });
}

function sharedSources(samples: readonly Sample[]): Finding[] {
  return several(groupBy(samples, ({ group }) => group)).flatMap(group => {
    const splits = splitsOf(group);
    return splits.length < 2
      ? []
      : [
          {
            kind: 'leak' as const,
            ids: ids(group),
            text: `the source ${group[0]!.group} is in the splits ${splits.join(' and ')}: ${some(ids(group))}`,
            repair: { leaveOut: ids(learned(group)) },
          },
        ];
  });
}

const splitsOf = (samples: readonly Sample[]): string[] =>
  [...new Set(samples.flatMap(({ split }) => (split === null ? [] : [split])))].sort();

/** The samples to take away so that what is measured on stays whole: those of the training split, or of the first one. */
function learned(samples: readonly Sample[]): Sample[] {
  const splits = splitsOf(samples);
  const training = splits.find(split => split.startsWith('train')) ?? splits[0];
  return samples.filter(({ split }) => split === training);
}

/** Tools that name results after pictures write one over the other. */
function equalNames(samples: readonly Sample[]): Finding[] {
  return several(groupBy(samples, ({ id }) => parse(id).name.toLowerCase())).map(group => ({
    kind: 'duplicate-name',
    ids: ids(group),
    text: `${group.length} samples are called ${parse(group[0]!.id).name}: ${some(ids(group))}`,
  }));
}
