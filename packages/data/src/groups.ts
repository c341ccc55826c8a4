import { Random, UsageError } from '@forgelens/autograd';

import { groupBy } from './group-by.ts';

/**
 * The names of the source pictures of one sample, as far as file names tell.
 *
 * CASIA writes the ids of its sources into names: `Sp_D_NRN_A_cha0023_sec0024_0289` and `Tp_D_NRN_S_N_ani10171_…` are
 * made from cha0023 and sec0024, and from ani10171; `Au_ani_0007` is ani0007. Elsewhere the name itself counts, without
 * the ending that tells original, forgery and frame apart: `00031_fake` and `00031_orig`, `im10_t`, `blackswan_00024`.
 */
export function sourceNames(set: string, fileName: string): string[] {
  const stem = fileName.replace(/\.\w+$/, '');
  const ids = [...stem.matchAll(/(?<=_)([a-z]{3})_?(\d{4,5})(?=_|$)/g)];
  if (/^(Au|Sp|Tp)_/.test(stem) && ids.length > 0) return ids.map(([, scene, number]) => `casia:${scene}${number}`);
  return [`${set.replace(/_(tp|au)$/, '')}:${stem.replace(/_(fake|orig|t|\d{5})$/, '')}`];
}

/**
 * Connected components: items that share a name, directly or through others, get the same group, named after its
 * alphabetically first name.
 *
 * @param names - the names of each item, at least one
 */
export function connectedGroups(names: readonly (readonly string[])[]): string[] {
  const parent = new Map<string, string>();
  const root = (name: string): string => {
    const up = parent.get(name) ?? name;
    if (up === name) return name;
    const top = root(up);
    parent.set(name, top);
    return top;
  };
  for (const [first, ...others] of names)
    for (const other of others) {
      const [a, b] = [root(first!), root(other)].toSorted();
      parent.set(b!, a!);
    }
  return names.map(([first]) => root(first!));
}

/**
 * Sets a part of the samples aside for validation, whole groups at a time, so that no source picture is on both sides.
 * Groups are tried in random order and taken as long as they fit: the part is at most `fraction` of the samples.
 *
 * @example
 * const { train, validation } = splitByGroup(samples, { fraction: 0.1, seed: 1 });
 */
export function splitByGroup<T extends { readonly group: string }>(
  samples: readonly T[],
  { fraction, seed }: { fraction: number; seed: number | string },
): { train: T[]; validation: T[] } {
  const sizes = new Map<string, number>();
  for (const { group } of samples) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const chosen = new Set<string>();
  let room = fraction * samples.length;
  for (const group of new Random(seed).shuffle([...sizes.keys()].toSorted())) {
    const size = sizes.get(group)!;
    if (size > room) continue;
    chosen.add(group);
    room -= size;
  }
  return {
    train: samples.filter(sample => !chosen.has(sample.group)),
    validation: samples.filter(sample => chosen.has(sample.group)),
  };
}

/**
 * Deals samples into folds of nearly equal size, whole groups at a time, so that no source picture is in two folds. The
 * largest groups are dealt first, each to the fold that has least of its tampered and authentic samples; equal ones in
 * random order. The order of the samples does not matter.
 *
 * The five folds of M2SFormer (Nam, Moon and Lee 2025, https://arxiv.org/abs/2506.20922) are `{ folds: 5 }`: train on
 * four, measure on the fifth, five times, and report mean and deviation. Unlike the paper, whose lists are not
 * published: sources are kept together.
 *
 * @throws {UsageError} when there are fewer groups than folds.
 */
export function foldsByGroup<T extends { readonly group: string; readonly label: 0 | 1 }>(
  samples: readonly T[],
  { folds, seed }: { folds: number; seed: number | string },
): T[][] {
  const groups = groupBy(samples, ({ group }) => group);
  if (groups.size < folds)
    throw new UsageError(
      `${folds} folds need ${folds} groups of samples with sources of their own, but there are ${groups.size} (of ${samples.length} samples); ask for fewer folds`,
    );
  const counts = (items: readonly T[]): [number, number] => {
    const tampered = items.filter(({ label }) => label === 1).length;
    return [items.length - tampered, tampered];
  };
  const totals = counts(samples);
  const dealt = Array.from({ length: folds }, () => ({ names: new Set<string>(), counts: [0, 0] }));
  const names = new Random(seed).shuffle([...groups.keys()].toSorted());
  for (const name of names.toSorted((a, b) => groups.get(b)!.length - groups.get(a)!.length)) {
    const own = counts(groups.get(name)!);
    // How full a fold is of what the group has: in shares, so that the rarer label is dealt as evenly as the other.
    const fullness = (fold: (typeof dealt)[number]): number =>
      own.reduce((sum, n, label) => sum + (n / Math.max(1, totals[label]!)) * fold.counts[label]!, 0);
    const size = (fold: (typeof dealt)[number]): number => fold.counts[0]! + fold.counts[1]!;
    const fold = dealt.toSorted((a, b) => fullness(a) - fullness(b) || size(a) - size(b))[0]!;
    fold.names.add(name);
    own.forEach((n, label) => (fold.counts[label]! += n));
  }
  return dealt.map(fold => samples.filter(({ group }) => fold.names.has(group)));
}
