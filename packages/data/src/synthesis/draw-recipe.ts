import { UsageError, type Random } from '@forgelens/autograd';
import { crop, resizeMask, tamperedFraction, type Mask } from '@forgelens/imaging/pixels';

import type { Material } from '../sample.ts';
import { drawBefore, drawHistory } from './histories.ts';
import { frameOf, turnedSize, type Place } from './patch.ts';
import type { Photographs } from './photographs.ts';
import type { CopyMove, Edit, ForgeryKind, ObjectChoice, Recipe, Removal, Splice } from './recipe.ts';
import { boundingBox, drawOutline, type Box } from './regions.ts';

/** How often each of `forgeryKinds` is made unless one says otherwise. */
export const kindWeights: readonly number[] = [0.5, 0.35, 0.15];

/** What a recipe is drawn for. */
export interface Wish {
  readonly kind: ForgeryKind | 'authentic';
  /** Width and height of the finished picture, in pixels. */
  readonly size: number;
}

/** The square of a host photograph that is edited, and how much of it is taken already. */
interface Host {
  readonly material: Material;
  readonly window: Recipe['host'];
  /** What earlier edits have changed, on the canvas. */
  readonly taken: Box[];
  /** Where the photograph's own main objects are, on the canvas. */
  readonly objects: readonly Box[];
}

/** An edit, the rectangle of the canvas that it changes, and the share of the canvas, about. */
interface Placed {
  readonly edit: Edit;
  readonly box: Box;
  readonly share: number;
}

/** Which share of the edited square an object of the host itself may have. */
const ownBounds = { 'copy-move': { least: 0.0115, most: 0.2 }, removal: { least: 0.0115, most: 0.14 } };

/** The largest share of a picture that all edits together may have. */
const mostEdited = 0.38;

/** How often something fitting is looked for before something simpler is taken. */
const tries = 10;

/**
 * Draws what a forgery is made of. It is told what an observant forger would do: objects keep about the size that they
 * had and the height at which they stood, an object that its picture cuts off stays at that border, what is copied
 * within a picture covers little of its original, and what is removed is not large.
 *
 * The same random state gives the same recipe.
 *
 * @throws {UsageError} when nothing fits, again and again
 */
export async function drawRecipe(random: Random, photographs: Photographs, wish: Wish): Promise<Recipe> {
  for (let n = 0; n < tries; n++) {
    const recipe = await tryRecipe(random, photographs, wish);
    if (recipe !== null) return recipe;
  }
  throw new UsageError(
    `no object of the ${photographs.material.length} photographs fits for a ${wish.kind} of ${wish.size}×${wish.size} pixels; give more photographs, or others`,
  );
}

/** A recipe; null when no first edit was found that fits. */
async function tryRecipe(random: Random, photographs: Photographs, { kind, size }: Wish): Promise<Recipe | null> {
  const { canvas, after } = drawHistory(random, size);
  const before = drawBefore(random);
  const seed = String(random.bits());
  const host = await drawHost(random, photographs, kind, canvas);
  const edits: Edit[] = [];
  if (kind !== 'authentic') {
    let area = 0;
    const wanted = random.pick([1, 2, 3], [0.78, 0.15, 0.07]);
    while (edits.length < wanted) {
      const next = edits.length === 0 || random.chance(0.6) ? kind : random.pick(['splice', 'copy-move'] as const);
      const placed = await drawEdit[next](random, photographs, host);
      if (placed === null || area + placed.share > mostEdited) break;
      edits.push(placed.edit);
      host.taken.push(placed.box);
      area += placed.share;
    }
    if (edits.length === 0) return null;
  }
  return { version: 1, host: host.window, before, edits, after: [...after], seed };
}

/**
 * A square part of a photograph. In a third of the cases it is taken larger than the canvas and scaled down,
 * which wipes out the photograph's own compression. Where an object of the host itself is wanted, it holds one.
 */
async function drawHost(
  random: Random,
  photographs: Photographs,
  kind: ForgeryKind | 'authentic',
  canvas: number,
): Promise<Host> {
  const { material } = photographs;
  const large = material.filter(({ width, height }) => Math.min(width, height) >= 0.8 * canvas);
  const among = large.length > 0 ? large : material;
  const ownObject = kind === 'copy-move' || kind === 'removal';
  for (let n = 0; ; n++) {
    const photograph = random.pick(among);
    const shorter = Math.min(photograph.width, photograph.height);
    const side = Math.min(shorter, random.chance(0.35) ? Math.round(canvas * random.uniform(1.15, 1.7)) : canvas);
    const choice = ownObject
      ? await photographs.pickObject(
          random,
          photograph,
          ownBounds[kind].least * side ** 2,
          ownBounds[kind].most * side ** 2,
        )
      : null;
    const box = choice && boundingBox(await photographs.object(photograph, choice));
    const place = (low: number, high: number, room: number) => {
      // Anywhere that keeps [low, high) inside, if that is possible.
      const [first, last] = [Math.max(0, high - side), Math.min(room, low)];
      return first <= last ? random.integer(first, last + 1) : random.integer(0, room + 1);
    };
    const left = place(box?.left ?? photograph.width, box?.right ?? 0, photograph.width - side);
    const top = place(box?.top ?? photograph.height, box?.bottom ?? 0, photograph.height - side);
    const isInside = box && box.left >= left && box.top >= top && box.right <= left + side && box.bottom <= top + side;
    if (ownObject && !isInside && n < tries) continue;
    const scale = canvas / side;
    const objects = (await photographs.mainObjects(photograph)).map(object => ({
      left: (object.left - left) * scale,
      top: (object.top - top) * scale,
      right: (object.right - left) * scale,
      bottom: (object.bottom - top) * scale,
    }));
    return { material: photograph, window: { photograph: photograph.id, left, top, side, canvas }, taken: [], objects };
  }
}

type DrawEdit = (random: Random, photographs: Photographs, host: Host) => Promise<Placed | null>;

const drawEdit: Record<ForgeryKind, DrawEdit> = {
  splice: async (random, photographs, host) => {
    for (let n = 0; n < 2 * tries; n++) {
      const donor = random.pick(photographs.material);
      if (donor.group === host.material.group && photographs.material.length > 1) continue;
      if ((await photographs.isGrey(donor)) !== (await photographs.isGrey(host.material))) continue;
      const area = donor.width * donor.height;
      const choice = await photographs.pickObject(random, donor, 0.005 * area, 0.6 * area);
      if (choice === null) continue;
      const object = await photographs.object(donor, choice);
      const pasted = drawPasting(random, object, host, 'spliced');
      if (pasted === null) continue;
      const blending = random.pick(['none', 'statistics', 'seam'] as const, [0.4, 0.52, 0.08]);
      const edit: Splice = {
        kind: 'splice',
        donor: donor.id,
        donorBefore: drawBefore(random),
        object: choice,
        ...pasted.pasting,
        blending,
        amount: blending === 'none' ? 0 : round(random.uniform(0.3, 0.85)),
      };
      return { edit, box: pasted.box, share: pasted.share };
    }
    return null;
  },

  'copy-move': async (random, photographs, host) => {
    for (let n = 0; n < 2 * tries; n++) {
      const found = await drawOwnObject(random, photographs, host, n, ownBounds['copy-move']);
      const pasted =
        found &&
        drawPasting(
          random,
          found.object,
          host,
          'copied',
          found.choice.from === 'outline' ? await thumbnail(photographs, host) : null,
        );
      if (!found || !pasted) continue;
      const isShape = found.choice.from === 'outline';
      const blending = random.pick(
        ['none', 'statistics', 'seam'] as const,
        isShape ? [0.3, 0, 0.7] : [0.75, 0.15, 0.1],
      );
      const edit: CopyMove = {
        kind: 'copy-move',
        object: found.choice,
        ...pasted.pasting,
        blending,
        amount: blending === 'none' ? 0 : round(random.uniform(0.6, 1)),
      };
      return { edit, box: pasted.box, share: pasted.share };
    }
    return null;
  },

  removal: async (random, photographs, host) => {
    for (let n = 0; n < 2 * tries; n++) {
      const found = await drawOwnObject(random, photographs, host, n, ownBounds.removal);
      if (!found) continue;
      const box = boundingBox(found.object)!;
      if (overlaps(box, host.taken) > 0.2) continue;
      const edit: Removal = {
        kind: 'removal',
        object: found.choice,
        grow: random.integer(2, 6),
        fill: random.pick(['patches', 'clone', 'diffusion'] as const, [
          0.76,
          0.2,
          found.choice.from === 'outline' ? 0.04 : 0,
        ]),
        feather: round(random.uniform(0.4, 1.5)),
      };
      return { edit, box, share: 1.3 * tamperedFraction(found.object) };
    }
    return null;
  },
};

/**
 * An object of the host, on the canvas, of a share of its area within bounds; after some tries without one that fits,
 * a drawn shape.
 */
async function drawOwnObject(
  random: Random,
  photographs: Photographs,
  { material, window: { left, top, side, canvas } }: Host,
  n: number,
  { least, most }: { readonly least: number; readonly most: number },
): Promise<{ readonly choice: ObjectChoice; readonly object: Mask } | null> {
  const share = Math.exp(random.uniform(Math.log(1.3 * least), Math.log(0.07)));
  const choice: ObjectChoice | null =
    n < tries
      ? await photographs.pickObject(random, material, least * side ** 2, most * side ** 2)
      : {
          from: 'outline',
          points: drawOutline(random, side, side, share).map((value, i) => value + (i % 2 === 0 ? left : top)),
        };
  if (choice === null) return null;
  const object = resizeMask(crop(await photographs.object(material, choice), left, top, side, side), canvas, canvas);
  const fraction = tamperedFraction(object);
  return fraction >= least && fraction <= most ? { choice, object } : null;
}

interface Pasted {
  readonly pasting: Pick<Splice, 'scale' | 'degrees' | 'mirrored' | 'left' | 'top' | 'feather'>;
  readonly box: Box;
  readonly share: number;
}

/** How an object is pasted, and where; null where it does not fit. */
function drawPasting(
  random: Random,
  object: Mask,
  { window: { canvas }, taken, objects }: Host,
  how: 'spliced' | 'copied',
  likeness: Likeness | null = null,
): Pasted | null {
  const box = boundingBox(object);
  if (box === null) return null;
  const cut = cutSides(box, object);
  if (
    (cut.left && cut.right) ||
    (cut.top && cut.bottom) ||
    Number(cut.left) + Number(cut.right) + Number(cut.top) + Number(cut.bottom) > 2
  )
    return null;

  const area = tamperedFraction(object) * object.width * object.height;
  const largest = Math.min((0.92 * canvas) / (box.right - box.left), (0.92 * canvas) / (box.bottom - box.top));
  const scale = how === 'copied' ? drawCopyScale(random, largest) : drawScale(random, object, area, canvas, largest);
  const share = (area * scale ** 2) / canvas ** 2;
  if (share < 0.0115 || share > 0.36) return null;

  const isCut = cut.left || cut.right || cut.top || cut.bottom;
  const degrees = !isCut && random.chance(0.35) ? round(random.normal(0, how === 'copied' ? 15 : 8)) : 0;
  const mirrored = random.chance(0.3);
  const frame = frameOf(object);
  const size = turnedSize(frame, scale, degrees);
  const sides = mirrored ? { ...cut, left: cut.right, right: cut.left } : cut;
  // The height at which it stood, as a share of the room that there was.
  const roomBefore = object.height - (frame.bottom - frame.top);
  const height = roomBefore > 0 ? frame.top / roomBefore : random.uniform();

  let best: { readonly place: Place; readonly covered: number } | null = null;
  let least = Infinity;
  for (let n = 0; n < 16; n++) {
    const [roomX, roomY] = [canvas - size.width, canvas - size.height];
    const place = {
      left: sides.left ? 0 : sides.right ? roomX : within(random.uniform(), roomX),
      top: sides.top ? 0 : sides.bottom ? roomY : within(height + random.normal(0, likeness ? 0.3 : 0.1), roomY),
    };
    const target = boxAt(place, size);
    const covered = overlaps(target, how === 'copied' ? [...taken, box] : taken);
    const cost = 4 * covered + (likeness ? 3 * likeness(frame, target) : overlaps(target, objects));
    if (cost < least) [best, least] = [{ place, covered }, cost];
  }
  if (best === null || best.covered > (how === 'copied' ? 0.35 : 0.2)) return null;
  const feather = random.pick([0, round(random.uniform(0.4, 1)), round(random.uniform(1, 2))], [0.15, 0.5, 0.35]);
  return { pasting: { scale, degrees, mirrored, ...best.place, feather }, box: boxAt(best.place, size), share };
}

/** How much two rectangles of the canvas differ in their colours, in [0, 1]. */
type Likeness = (a: Box, b: Box) => number;

/** Compares parts of the host by a few of their pixels. */
async function thumbnail(photographs: Photographs, { material, window }: Host): Promise<Likeness> {
  const { width, data } = await photographs.image(material);
  const at = ({ left, top, right, bottom }: Box, u: number, v: number) => {
    const x = window.left + Math.floor(((left + u * (right - left)) * window.side) / window.canvas);
    const y = window.top + Math.floor(((top + v * (bottom - top)) * window.side) / window.canvas);
    return 3 * (y * width + x);
  };
  const points = [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95];
  return (a, b) => {
    let difference = 0;
    for (const u of points)
      for (const v of points) {
        const [i, j] = [at(a, u, v), at(b, u, v)];
        for (let c = 0; c < 3; c++) difference += Math.abs(data[i + c]! - data[j + c]!);
      }
    return difference / (3 * 255 * points.length ** 2);
  };
}

/** About the share of the picture that the object had, and exactly its size in a part of the cases in which that fits. */
function drawScale(random: Random, object: Mask, area: number, canvas: number, largest: number): number {
  const own = area / (object.width * object.height);
  const wanted = Math.min(0.32, Math.max(0.014, own * Math.exp(random.normal(-0.1, 0.5))));
  const scale = Math.sqrt(wanted / area) * canvas;
  const isNear = scale > 0.6 && scale < 1.6 && largest >= 1;
  return isNear && random.chance(0.5) ? 1 : round(Math.min(largest, 1.35, scale));
}

const drawCopyScale = (random: Random, largest: number): number =>
  random.chance(0.6) ? 1 : round(Math.min(largest, random.uniform(0.7, 1.35)));

/** The borders of the picture at which an object is cut off. */
const cutSides = ({ left, top, right, bottom }: Box, { width, height }: Mask) => ({
  left: left <= 0.005 * width,
  top: top <= 0.005 * height,
  right: right >= 0.995 * width,
  bottom: bottom >= 0.995 * height,
});

// The last term makes 0 of −0, which JSON cannot tell apart.
const within = (share: number, room: number): number => Math.round(Math.min(1, Math.max(0, share)) * room) + 0;

const boxAt = ({ left, top }: Place, { width, height }: { readonly width: number; readonly height: number }): Box => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});

/** The largest share of a rectangle that one of others covers. */
function overlaps(box: Box, others: readonly Box[]): number {
  const area = (box.right - box.left) * (box.bottom - box.top);
  const shares = others.map(other => {
    const width = Math.min(box.right, other.right) - Math.max(box.left, other.left);
    const height = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
    return (Math.max(0, width) * Math.max(0, height)) / area;
  });
  return Math.max(0, ...shares);
}

/** Three decimals: a recipe is read by people too. */
const round = (value: number): number => Math.round(value * 1000) / 1000;
