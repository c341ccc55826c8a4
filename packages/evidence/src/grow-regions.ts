/** A set of cells of one label that hang together, and the cells that bound it. */
export interface CellRegion {
  readonly label: number;
  /** Row-major places. */
  readonly members: readonly number[];
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * Regions of cells with the same label, where cells at most `reach` columns and rows apart hang together.
 *
 * @param labels - row-major, `columns` a row
 * @param none - the label of cells that belong to no region
 */
export function growRegions(labels: Uint8Array, columns: number, none: number, reach: number): CellRegion[] {
  const rows = labels.length / columns;
  const seen = new Uint8Array(labels.length);
  const regions: CellRegion[] = [];
  for (let first = 0; first < labels.length; first++) {
    const label = labels[first]!;
    if (label === none || seen[first]) continue;
    const members = [first];
    seen[first] = 1;
    let [left, top, right, bottom] = [columns, rows, 0, 0];
    for (let at = 0; at < members.length; at++) {
      const [x, y] = [members[at]! % columns, Math.floor(members[at]! / columns)];
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
      for (let v = Math.max(0, y - reach); v <= Math.min(rows - 1, y + reach); v++)
        for (let u = Math.max(0, x - reach); u <= Math.min(columns - 1, x + reach); u++) {
          const next = v * columns + u;
          if (seen[next] || labels[next] !== label) continue;
          seen[next] = 1;
          members.push(next);
        }
    }
    regions.push({ label, members, left, top, right, bottom });
  }
  return regions;
}
