import { connectedGroups } from '../groups.ts';
import type { Sample } from '../sample.ts';
import type { CheckReport } from './check.ts';

/** The samples that a repaired manifest lists: see `findingKinds` for what is done about what. */
export function repair(samples: readonly Sample[], { findings }: CheckReport): Sample[] {
  const repairs = findings.map(({ ids, repair = {} }) => ({ ids, ...repair }));
  const leftOut = new Set(repairs.flatMap(({ leaveOut = [] }) => leaveOut));
  const rules = new Map(
    repairs.flatMap(({ ids, maskRule }) => (maskRule ? ids.map(id => [id, maskRule] as const) : [])),
  );
  const joins = repairs.flatMap(({ join }) => (join ? [join] : []));

  const kept = samples.filter(({ id }) => !leftOut.has(id));
  // Near duplicates get a common name, behind the groups' own in the alphabet, so that no group is called so.
  const groups = connectedGroups(
    kept.map(({ id, group }) => [group, ...joins.flatMap((pair, i) => (pair.includes(id) ? [`\u{10ffff}${i}`] : []))]),
  );
  return kept.map((sample, i) => {
    const maskRule = rules.get(sample.id) ?? sample.maskRule;
    return { ...sample, ...(maskRule && { maskRule }), group: groups[i]! };
  });
}
