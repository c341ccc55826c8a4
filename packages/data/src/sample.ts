import type { MaskRule } from './truth.ts';

/** One picture to train or to be measured on. */
export interface Sample {
  /** Unique within its data set: the picture's path relative to the data set's folder, with forward slashes. */
  readonly id: string;
  /** The data set it belongs to. */
  readonly set: string;
  readonly split: string | null;
  /** Absolute path. */
  readonly image: string;
  /** Absolute path; null for an authentic picture, and for one whose truth is not known. */
  readonly mask: string | null;
  /** Further masks of the same picture, one for each object: what any of them marks is tampered. */
  readonly moreMasks?: readonly string[];
  /** How the pixels of the masks say what is tampered; `whiteIsTampered` where it is not given. */
  readonly maskRule?: MaskRule;
  /** 1 tampered, 0 authentic. */
  readonly label: 0 | 1;
  /** Samples made from common source pictures have a common group: keep a group on one side of every split. */
  readonly group: string;
}

/** A photograph with a way to take objects from it: what forgeries are made of. */
export interface Material {
  readonly id: string;
  readonly set: string;
  readonly split: string | null;
  /** Absolute path. */
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly group: string;
  /** A mask of one object; polygons (a line each: class, then x y x y … in [0, 1]); or a picture of segment labels. */
  readonly objects: { readonly kind: 'mask' | 'polygons' | 'segments'; readonly path: string };
}
