/** A file in pieces that are small enough to carry, and the list that `sha256sum --check` reads. */

export interface Piece {
  readonly name: string;
  /** The bytes of the whole file that are in it: [begin, end). */
  readonly begin: number;
  readonly end: number;
}

/** Names sort as the pieces follow one another, so that `cat file.*` joins them. */
export function cutIntoPieces(file: string, length: number, limit: number): readonly Piece[] {
  const count = Math.max(1, Math.ceil(length / limit));
  if (count > 1000) throw new Error(`${file}: ${length} bytes are more than 1000 pieces of ${limit}; leave data out`);
  return Array.from({ length: count }, (_, i) => ({
    name: `${file}.${String(i).padStart(3, '0')}`,
    begin: i * limit,
    end: Math.min((i + 1) * limit, length),
  }));
}

/** @param sums - SHA-256 in hexadecimal, by file */
export const checkList = (sums: ReadonlyMap<string, string>): string =>
  [...sums].map(([file, sum]) => `${sum}  ${file}\n`).join('');
