import type { MaskRule } from '../truth.ts';

/** What can be wrong with a data set, how bad it is, and what a repaired manifest does about it. */
export const findingKinds = {
  unreadable: ['error', 'a file is no whole picture', 'left out'],
  'missing-image': ['error', 'a listed picture is not there', 'left out'],
  'missing-mask': ['error', 'a tampered picture has no mask', 'left out'],
  contradiction: ['error', 'a list says two things of a picture', 'left out'],
  changed: ['error', 'a file is not the one of the manifest', 'left out'],
  'size-mismatch': ['error', 'a mask has another size than its picture', 'left out'],
  'empty-mask': ['error', 'a mask marks nothing', 'read with a lower threshold where that helps, else left out'],
  'inverted-mask': [
    'error',
    'a mask seems to mark the background',
    'read the other way around where an original confirms it',
  ],
  'coloured-mask': ['error', 'a mask has colours that its rule does not expect', 'left out'],
  duplicate: ['error', 'several samples have the same pixels', 'the first is kept, or none where labels differ'],
  leak: ['error', 'several splits share a source', 'left out of the training split'],
  'full-mask': ['warning', 'a mask marks everything', 'kept'],
  'grey-mask': ['warning', 'a mask has levels between black and white', 'kept; the threshold decides'],
  'near-duplicate': ['warning', 'several samples look the same', 'kept, as one source'],
  'extra-mask': ['warning', 'a mask has no picture', 'not listed'],
  'duplicate-name': ['note', 'several samples have the same file name', 'kept'],
} as const satisfies Record<string, readonly [severity: 'error' | 'warning' | 'note', what: string, repair: string]>;

export type FindingKind = keyof typeof findingKinds;

/** Something that is wrong, or looks so. */
export interface Finding {
  readonly kind: FindingKind;
  /** The samples it is about, or the file where that is none. */
  readonly ids: readonly string[];
  /** What is, with numbers, and what must be. */
  readonly text: string;
  /** What is published about it. */
  readonly known?: string;
  /** What a repaired manifest does. */
  readonly repair?: {
    /** Samples that it leaves out. */
    readonly leaveOut?: readonly string[];
    /** How the masks say what is tampered, after all. */
    readonly maskRule?: MaskRule;
    /** Samples that have one source, after all. */
    readonly join?: readonly string[];
  };
}
