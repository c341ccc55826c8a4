import { DataError } from '@forgelens/autograd';
import { checkDegradation, degradations, type Degradation, type DegradationName } from '@forgelens/imaging/pixels';
import { z } from 'zod';

/** The manipulations that are synthesized. */
export const forgeryKinds = ['splice', 'copy-move', 'removal'] as const;
export type ForgeryKind = (typeof forgeryKinds)[number];

/** What a picture is: a forgery of one kind, one of several (`mixed`), or an untouched photograph. */
export type PictureKind = ForgeryKind | 'mixed' | 'authentic';

const pixels = z.int();
const share = z.number().min(0).max(1);

const DegradationStep: z.ZodType<Degradation> = z
  .strictObject({
    name: z.enum(Object.keys(degradations) as [DegradationName, ...DegradationName[]]),
    value: z.number(),
    subsampling: z.enum(['4:2:0', '4:4:4']).optional(),
    grid: z.tuple([pixels.min(0).max(7), pixels.min(0).max(7)]).optional(),
  })
  .superRefine((step, context) => {
    try {
      checkDegradation(step);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });
const Chain = z.array(DegradationStep);

const ObjectChoice = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('mask') }).describe("The photograph's mask."),
  z.strictObject({ from: z.literal('polygon'), line: z.int().min(0) }).describe('A line of its text of polygons.'),
  z
    .strictObject({ from: z.literal('segments'), labels: z.array(z.int().min(0).max(255)).min(1) })
    .describe('Some of its segments.'),
  z
    .strictObject({ from: z.literal('outline'), points: z.array(pixels).min(6) })
    .describe('What is within an outline, x y x y … in pixels of the photograph.'),
]);
/** Which part of a photograph is the object. */
export type ObjectChoice = z.infer<typeof ObjectChoice>;

const pasting = {
  object: ObjectChoice,
  scale: z.number().positive().describe('Of the object, against the picture that it is taken from.'),
  degrees: z.number().describe('By which the object is turned, clockwise.'),
  mirrored: z.boolean().describe('Left and right, before it is turned.'),
  left: pixels.describe('Where the frame of the object lies in the host, in pixels.'),
  top: pixels,
  feather: z.number().min(0).describe('Standard deviation of the soft edge, in pixels.'),
  blending: z
    .enum(['none', 'statistics', 'seam'])
    .describe('statistics: colours brought near to those of the place; seam: a membrane hides the edge.'),
  amount: share.describe('How far the blending goes.'),
};

const Splice = z.strictObject({
  kind: z.literal('splice'),
  donor: z.string().describe('The photograph that the object is taken from.'),
  donorBefore: Chain.describe('What had happened to the donor.'),
  ...pasting,
});
const CopyMove = z.strictObject({ kind: z.literal('copy-move'), ...pasting });
const Removal = z.strictObject({
  kind: z.literal('removal'),
  object: ObjectChoice,
  grow: pixels.min(0).describe('How far around the object is covered too, in pixels.'),
  fill: z
    .enum(['patches', 'clone', 'diffusion'])
    .describe('patches: from patches of the surroundings; clone: one other part; diffusion: smoothly.'),
  feather: z.number().positive().describe('Standard deviation of the soft edge, in pixels.'),
});

export type Splice = z.infer<typeof Splice>;
export type CopyMove = z.infer<typeof CopyMove>;
export type Removal = z.infer<typeof Removal>;

const Edit = z.discriminatedUnion('kind', [Splice, CopyMove, Removal]);
export type Edit = z.infer<typeof Edit>;

/**
 * All that a forgery is made of: with the same photographs it gives the same forgery, bit for bit. Photographs are named
 * by their ids in the material.
 */
export const Recipe = z.strictObject({
  version: z.literal(1),
  host: z.strictObject({
    photograph: z.string(),
    left: pixels.min(0).describe('The square part of the photograph that is taken, in its pixels.'),
    top: pixels.min(0),
    side: pixels.min(1),
    canvas: pixels.min(1).describe('Width and height to which the part is resized before it is edited.'),
  }),
  before: Chain.describe('What happens to the host before it is edited.'),
  edits: z.array(Edit).describe('One after the other; none for an authentic picture.'),
  after: Chain.describe('What happens to the finished forgery.'),
  seed: z.string().describe('Of the random numbers that making it takes.'),
});
export type Recipe = z.infer<typeof Recipe>;

/** The kind that all edits have; `mixed` where they differ, `authentic` where there is none. */
export function pictureKind({ edits }: Recipe): PictureKind {
  const kinds = [...new Set(edits.map(({ kind }) => kind))];
  return kinds.length === 0 ? 'authentic' : kinds.length === 1 ? kinds[0]! : 'mixed';
}

/** The ids of the photographs that a recipe takes, the host first. */
export const photographsOf = ({ host, edits }: Recipe): string[] => [
  ...new Set([host.photograph, ...edits.flatMap(edit => (edit.kind === 'splice' ? [edit.donor] : []))]),
];

/** @throws {DataError} when the text is not a recipe, with everything that is wrong with it. */
export function parseRecipe(text: string, path: string): Recipe {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new DataError(path, `not a recipe (${(error as Error).message})`, { cause: error });
  }
  const { success, data, error } = Recipe.safeParse(raw);
  if (success) return data;
  throw new DataError(path, `not a recipe (${describeProblems(error)})`);
}

/** All that is wrong, in one line. */
export const describeProblems = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join('.') || 'all of it'}: ${message}`).join('; ');
