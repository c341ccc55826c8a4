import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import type { JpegFile, JpegFrame, QuantizationTable } from './jpeg-file.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** ITU-T T.81, table K.1: the standard's example for luminance, which libjpeg calls quality 50. */
const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
  87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
  72, 92, 95, 98, 112, 100, 103, 99,
];

/** Table K.2: for chrominance. */
const chrominance = Array.from({ length: 64 }, (_, i) => {
  const corner = [17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99];
  const [x, y] = [i % 8, Math.floor(i / 8)];
  return x < 4 && y < 4 ? corner[4 * y + x]! : 99;
});

/** The standard's table at a quality of 1–100, scaled as libjpeg does for baseline files. Row by row. */
export function standardTable(kind: 'luminance' | 'chrominance', quality: number): number[] {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  return (kind === 'luminance' ? luminance : chrominance).map(value =>
    Math.min(255, Math.max(1, Math.floor((value * scale + 50) / 100))),
  );
}

/** The quality (1–100, on libjpeg's scale) whose standard table is nearest, and whether it is that very table. */
export function estimateQuality(
  values: ArrayLike<number>,
  kind: 'luminance' | 'chrominance',
): { readonly quality: number; readonly exact: boolean } {
  let best = { quality: 0, distance: Infinity };
  // From the top: where two qualities have one table, the higher is named.
  for (let quality = 100; quality >= 1; quality--) {
    const distance = standardTable(kind, quality).reduce((sum, value, i) => sum + Math.abs(value - values[i]!), 0);
    if (distance < best.distance) best = { quality, distance };
  }
  return { quality: best.quality, exact: best.distance === 0 };
}

/** The quality (1–100, on libjpeg's scale) that a JPEG was last saved at, by its luminance table; null without one. */
export function savedQuality({ frame, tables }: JpegFile): number | null {
  const table = tables.find(({ id }) => id === frame?.components[0]!.table);
  return table === undefined ? null : estimateQuality(table.values, 'luminance').quality;
}

/**
 * What a JPEG's header says of how it was saved: quantization tables with the quality (1–100, on libjpeg's scale) that
 * they come nearest to, process, chroma subsampling, scans, and bytes behind the picture.
 *
 * Tables: ITU-T T.81 (1992), annex K, https://www.w3.org/Graphics/JPEG/itu-t81.pdf; that they tell programs and cameras
 * apart: Farid 2006, "Digital Image Ballistics from JPEG Quantization", https://farid.berkeley.edu/downloads/publications/tr06a.pdf
 */
export const jpegTables: EvidenceKind = {
  id: 'jpeg-tables',
  title: 'JPEG tables and estimated quality',
  whatItShows:
    'How the file was last saved: its quantization tables, the quality they come nearest to, and how colours were stored. Each camera and program has habits here.',
  lookFor:
    'Tables that do not fit the camera that the metadata name; a quality far below that of a camera’s file (often 90 and more), which says that the file was saved again; bytes behind the end of the picture.',
  ignore:
    'Saving again is not forging: every messenger and website does it. Many cameras and programs have tables of their own, so “not the standard’s” is no finding. Phones put previews and depth maps behind the picture.',
  source: {
    text: 'Farid 2006, Digital Image Ballistics from JPEG Quantization',
    url: 'https://farid.berkeley.edu/downloads/publications/tr06a.pdf',
  },
  find,
};

function find({ jpeg, format }: Subject): Finding {
  if (jpeg === null) return notApplicable(`The file is ${format.toUpperCase()}, not JPEG, and has no JPEG tables.`);
  const { frame, tables, warnings } = jpeg;
  if (frame === null || tables.length === 0)
    return notApplicable('The JPEG has no readable frame header and quantization tables.', warnings);
  const kindOf = (table: QuantizationTable) =>
    frame.components[0]!.table === table.id ? ('luminance' as const) : ('chrominance' as const);
  const qualities = tables.map(table => ({ table, ...estimateQuality(table.values, kindOf(table)) }));
  const first = qualities.find(({ table }) => kindOf(table) === 'luminance') ?? qualities[0]!;
  return {
    outcome: 'shown',
    summary: first.exact
      ? `Saved with the standard’s tables at quality ${first.quality} of 100.`
      : `Saved with tables that are not the standard’s; the nearest is quality ${first.quality} of 100.`,
    table: { columns: ['What', 'Value'], rows: [...describe(frame, jpeg), ...qualities.flatMap(describeTable)] },
    warnings,
  };

  function describeTable({ table, quality, exact }: (typeof qualities)[number]): [string, string][] {
    const name = `Table ${table.id} (${kindOf(table)})`;
    const rows = Array.from({ length: 8 }, (_, y) => Array.from(table.values.subarray(8 * y, 8 * y + 8)).join(' '));
    return [
      [`${name}, quality`, exact ? `${quality}, the standard’s table` : `about ${quality}, a table of its own`],
      [`${name}, divisors`, rows.join(' / ')],
    ];
  }
}

function describe(frame: JpegFrame, { segments, scans, trailingBytes }: JpegFile): [string, string][] {
  const names = new Map<string, number>();
  for (const { name } of segments) names.set(name, (names.get(name) ?? 0) + 1);
  const said = Array.from(names, ([name, count]) => (count > 1 ? `${name} × ${count}` : name)).join(', ');
  return [
    ['Process', `${frame.process}, ${frame.precision} bits a sample, ${scans} ${scans === 1 ? 'scan' : 'scans'}`],
    ['Size as stored', `${frame.width}×${frame.height} px`],
    ['Components', frame.components.map(({ horizontal, vertical }) => `${horizontal}×${vertical}`).join(', ')],
    ['Chroma subsampling', subsampling(frame)],
    ['Segments', said || 'none'],
    ['Bytes behind the picture', String(trailingBytes)],
  ];
}

/** As it is usually written: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1. */
function subsampling({ components: [first, ...others] }: JpegFrame): string {
  if (others.length === 0) return 'grey';
  const [horizontal, vertical] = [first!.horizontal / others[0]!.horizontal, first!.vertical / others[0]!.vertical];
  const names: Record<string, string> = {
    '1,1': '4:4:4',
    '2,1': '4:2:2',
    '2,2': '4:2:0',
    '1,2': '4:4:0',
    '4,1': '4:1:1',
  };
  return names[`${horizontal},${vertical}`] ?? `${horizontal}×${vertical} px a sample`;
}
