import exifReader from 'exifreader';

import type { Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** What was read of a file's EXIF, XMP, IPTC and text chunks. */
export interface Metadata {
  /** Tag to text, in groups (`exif`, `xmp`, …); only tags with a short text. */
  readonly groups: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** The encoded thumbnail in the EXIF, or null. */
  readonly thumbnail: Uint8Array | null;
  /** Why it could not be read, or null. */
  readonly problem: string | null;
}

/** Groups whose tags are shown; the others repeat the file's header. */
const groups = ['exif', 'gps', 'xmp', 'iptc', 'photoshop', 'pngText', 'png'];
/** Longer texts (histories, embedded documents) are named, not shown. In characters. */
const longest = 200;
/** Binary blobs and pointers, of no use to a reader. */
const hidden =
  /^(MakerNote|UserComment|PrintImageMatching|Padding|OffsetSchema|_raw|.*(IFD Pointer|Offset|ByteCounts|Length))$/;

/** Reads the metadata of a file. A file without any gives no groups; a broken one gives what could be read. */
export function readMetadata(bytes: Uint8Array): Metadata {
  const read = new Map<string, ReadonlyMap<string, string>>();
  let tags;
  try {
    tags = exifReader.loadView(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), { expanded: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const none = /no exif data|invalid image format/i.test(message);
    return { groups: read, thumbnail: null, problem: none ? null : message };
  }
  for (const group of groups) {
    const entries = new Map<string, string>();
    for (const [name, tag] of Object.entries((tags as Record<string, object | undefined>)[group] ?? {})) {
      const text = textOf(tag);
      if (text !== null && !hidden.test(name)) entries.set(name, text);
    }
    if (entries.size > 0) read.set(group, entries);
  }
  const image = tags.Thumbnail?.image;
  return {
    groups: read,
    thumbnail: image ? Uint8Array.from(new Uint8Array(image as ArrayBuffer)) : null,
    problem: null,
  };
}

/** A tag's description, or what a number or text says by itself. */
function textOf(tag: unknown): string | null {
  const said = typeof tag === 'object' && tag !== null && 'description' in tag ? tag.description : tag;
  if (typeof said === 'number') return String(said);
  if (typeof said !== 'string') return null;
  // Control characters would break a table, a terminal or a page.
  const text = said.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  if (text === '') return null;
  return text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length} characters)`;
}

/** Programs that edit pictures; cameras and phones name their firmware in the same tag. */
const editors =
  /photoshop|lightroom|gimp|affinity|pixelmator|paint|snapseed|picsart|canva|facetune|meitu|photoscape|corel|capture one|darktable|luminar|firefly|midjourney|dall|stable diffusion|comfyui|invokeai|imagemagick|acdsee|picasa|fotor|remini/i;

/**
 * EXIF, XMP and IPTC: what the file says of camera, program and dates. `notable` when a program that edits or generates
 * pictures is named, or when the picture was changed after it was taken.
 *
 * Exif 2.32 (CIPA DC-008, 2019), https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf; XMP (ISO 16684-1).
 */
export const metadata: EvidenceKind = {
  id: 'metadata',
  title: 'Metadata (EXIF, XMP, IPTC)',
  whatItShows: 'What the file says of itself: camera, lens, place, dates, and the programs that wrote it.',
  lookFor:
    'A program that edits pictures; a date of change after the date of taking; a camera that does not fit the picture’s size or tables; a time or place that does not fit the story.',
  ignore:
    'Missing metadata: messengers and social networks remove it from every picture. All of it can be written by anyone, so it proves nothing alone. Cropping, rotating and developing name the same programs as forging.',
  source: {
    text: 'Exif 2.32, CIPA DC-008, 2019',
    url: 'https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf',
  },
  find: ({ bytes }: Subject): Finding => {
    const { groups: read, problem } = readMetadata(bytes);
    const warnings = problem === null ? [] : [`The metadata could not be read: ${problem}.`];
    if (read.size === 0) return notApplicable('The file has no EXIF, XMP or IPTC metadata that can be read.', warnings);
    const rows = Array.from(read, ([group, entries]) =>
      Array.from(entries, ([name, text]): [string, string, string] => [group, name, text]),
    ).flat();
    const programs = rows.filter(
      ([, name, text]) =>
        /^(Software|CreatorTool|ProcessingSoftware|parameters|prompt)$/i.test(name) && editors.test(text),
    );
    const [taken, changed] = [read.get('exif')?.get('DateTimeOriginal'), read.get('exif')?.get('DateTime')];
    const later = taken !== undefined && changed !== undefined && changed > taken;
    const notes = [
      ...new Set(programs.map(([, , text]) => `A program that edits or makes pictures is named: ${text}.`)),
      ...(later ? [`It was changed at ${changed}, after it was taken at ${taken}.`] : []),
    ];
    const camera = [read.get('exif')?.get('Make'), read.get('exif')?.get('Model')].filter(Boolean).join(' ');
    return {
      outcome: notes.length > 0 ? 'notable' : 'shown',
      summary: [`${rows.length} entries${camera ? `; camera: ${camera}` : ', no camera named'}.`, ...notes].join(' '),
      table: { columns: ['Group', 'Tag', 'Value'], rows },
      warnings,
    };
  },
};
