/** The photographs that the examples are made of, and how a frame is cut from one. */
import { join } from 'node:path';
import sharp from 'sharp';
import type { Picture } from './pixels.ts';

interface Photograph {
  readonly file: string;
  readonly title: string;
  readonly author: string;
  readonly licence: Licence;
  readonly debianPackage: 'lomiri-wallpapers-16.04' | 'lomiri-wallpapers-20.04';
}

/** From the most to the least permissive: a picture made of several has the last of theirs. */
export const licences = {
  'CC0 1.0': 'https://creativecommons.org/publicdomain/zero/1.0/',
  'CC BY 4.0': 'https://creativecommons.org/licenses/by/4.0/',
  'CC BY-SA 3.0': 'https://creativecommons.org/licenses/by-sa/3.0/',
  'CC BY-SA 4.0': 'https://creativecommons.org/licenses/by-sa/4.0/',
} as const;
export type Licence = keyof typeof licences;

const wallpapers = 'lomiri-wallpapers-16.04';

/** Titles, authors and licences as the packages' copyright files have them. */
export const photographs = {
  aitzgorri: {
    file: 'aitzgorri_by_Aitzol_Berasategi.jpg',
    title: 'aitzgorri',
    author: 'Aitzol Berasategi',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  bridge: {
    file: 'Bridge_by_Sander_Klootwijk.jpg',
    title: 'Bridge',
    author: 'Sander Klootwijk',
    licence: 'CC BY-SA 4.0',
    debianPackage: wallpapers,
  },
  dragonfly: {
    file: 'Dragonfly_by_Bolly.jpg',
    title: 'Dragonfly',
    author: '“Bolly”',
    licence: 'CC BY-SA 4.0',
    debianPackage: wallpapers,
  },
  fig: {
    file: 'Picture_0B_by_freespace.jpg',
    title: 'Picture 0B',
    author: 'Trevor “Freespace”',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  brushes: {
    file: 'Picture_1A_by_freespace.jpg',
    title: 'Picture 1A',
    author: 'Trevor “Freespace”',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  friends: {
    file: 'friends_by_Aitzol_Berasategi.jpg',
    title: 'friends',
    author: 'Aitzol Berasategi',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  life: {
    file: 'life_by_Aitzol_Berasategi.jpg',
    title: 'life',
    author: 'Aitzol Berasategi',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  nuthatch: {
    file: 'Kleiber_by_Lukas_Baubkus.jpg',
    title: 'Kleiber',
    author: 'Lukas Baubkus',
    licence: 'CC BY-SA 3.0',
    debianPackage: 'lomiri-wallpapers-20.04',
  },
  peaks: {
    file: 'picosdeeuropa_by_Aitzol_Berasategi.jpg',
    title: 'picosdeeuropa',
    author: 'Aitzol Berasategi',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  seeding: {
    file: 'seeding_by_Clements_Engelhardt.jpg',
    title: 'seeding',
    author: 'Clemens Engelhardt',
    licence: 'CC0 1.0',
    debianPackage: wallpapers,
  },
  sunset: {
    file: 'sunset_by_Aitzol_Berasategi.jpg',
    title: 'sunset',
    author: 'Aitzol Berasategi',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
  wine: {
    file: 'Wine_by_Jakkub_Mede.jpg',
    title: 'Wine',
    author: 'Jakub Mede',
    licence: 'CC BY 4.0',
    debianPackage: wallpapers,
  },
} as const satisfies Record<string, Photograph>;
export type PhotographName = keyof typeof photographs;

/** A photograph or a part of it. */
export interface Frame {
  readonly photograph: PhotographName;
  /** left, top, width and height in px of the original; the whole of it without. */
  readonly crop?: readonly [left: number, top: number, width: number, height: number];
  /** The width to scale it to, px; not scaled without. */
  readonly width?: number;
  /** JPEG quality at which the frame is kept before anything is done to it: 1–100, or not at all without. */
  readonly qualityPercent?: number;
}

/** Cuts a frame from its original in `folder`. */
export async function cut(folder: string, { photograph, crop, width, qualityPercent }: Frame): Promise<Picture> {
  let image = sharp(join(folder, photographs[photograph].file));
  if (crop) image = image.extract({ left: crop[0], top: crop[1], width: crop[2], height: crop[3] });
  if (width !== undefined) image = image.resize(width);
  image = image.removeAlpha().toColourspace('srgb');
  if (qualityPercent !== undefined) image = sharp(await image.jpeg({ quality: qualityPercent }).toBuffer());
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: Float32Array.from(data) };
}
