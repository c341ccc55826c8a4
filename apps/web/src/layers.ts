import type { EvidenceResult } from '@forgelens/analysis';
import { useEffect, useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import type { FloatMap } from './paint.ts';
import { decodeMap } from './png.ts';
import { strings } from './strings.ts';

/** One thing to look at in a picture: the network's map, or a kind of evidence with or without a map. */
export interface Layer {
  readonly id: string;
  readonly title: string;
  /** Null for the network's map. */
  readonly evidence: EvidenceResult | null;
  /** What the ends of its colours mean; null where it has no map. */
  readonly scale: { readonly zero: string; readonly one: string } | null;
}

export const tamperingId = 'tampering';

/** All that there is to look at, the network's map first. */
export const layersOf = ({ analysis }: Findings): readonly Layer[] => [
  {
    id: tamperingId,
    title: strings.layers.tampering,
    evidence: null,
    scale: { zero: strings.viewer.noTrace, one: strings.viewer.sure },
  },
  ...(analysis.evidence ?? []).map(evidence => ({
    ...{ id: evidence.id, title: evidence.title, evidence, scale: evidence.map },
  })),
];

/**
 * The maps of layers by their id; null where a map cannot be read. Those of evidence are read when they are first asked
 * for, and come one by one.
 */
export function useMaps(
  { files }: Findings,
  tampering: FloatMap,
  wanted: readonly Layer[],
): ReadonlyMap<string, FloatMap | null> {
  const [maps, setMaps] = useState<ReadonlyMap<string, FloatMap | null>>(new Map([[tamperingId, tampering]]));
  const missing = wanted.find(({ id, evidence }) => evidence?.map && !maps.has(id));
  useEffect(() => {
    if (!missing) return;
    let isWanted = true;
    const { file } = missing.evidence!.map!;
    void files
      .get(file)!
      .arrayBuffer()
      .then(bytes => decodeMap(new Uint8Array(bytes), file))
      .catch(() => null)
      .then(map => {
        if (isWanted) setMaps(known => new Map(known).set(missing.id, map));
      });
    return () => {
      isWanted = false;
    };
  }, [missing?.id]);
  return maps;
}
