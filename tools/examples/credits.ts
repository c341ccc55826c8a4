/** The text of `examples/CREDITS.md`. */
import { licences, photographs, type Frame, type Licence } from './photographs.ts';
import { imagePath, maskPath, type Recipe } from './recipes.ts';

const link = (licence: Licence) => `[${licence}](${licences[licence]})`;

/** What became of an original before it was a frame. */
function cutting({ photograph, crop, width, qualityPercent }: Frame): string {
  const { title, author } = photographs[photograph];
  const part = crop ? `, cropped to ${crop[2]}×${crop[3]} px from (${crop[0]}, ${crop[1]})` : '';
  const scaled = width === undefined ? '' : `, resized to a width of ${width} px`;
  const kept = qualityPercent === undefined ? '' : `, kept as JPEG of quality ${qualityPercent}`;
  return `“${title}” by ${author}${part}${scaled}${kept}`;
}

function describe(recipe: Recipe): string {
  const { frame, donor, save, done } = recipe;
  const frames = donor ? [frame, donor] : [frame];
  const used = frames.map(({ photograph }) => photographs[photograph].licence);
  const licence = (Object.keys(licences) as Licence[]).findLast(name => used.includes(name))!;
  const files = recipe.kind === 'authentic' ? [imagePath(recipe)] : [imagePath(recipe), maskPath(recipe)];
  return [
    `### ${files.map(file => `\`${file}\``).join(', ')}`,
    '',
    ...frames.map((each, i) => `- ${i === 0 ? 'Photograph' : 'Donor'}: ${cutting(each)}.`),
    `- Done: ${done} Saved as ${save === 'png' ? 'PNG' : `JPEG of quality ${save}`}.`,
    `- Licence: ${link(licence)}.`,
    '',
  ].join('\n');
}

function describeAll(recipes: readonly Recipe[], kind: Recipe['kind']): string {
  return recipes
    .filter(recipe => recipe.kind === kind)
    .map(describe)
    .join('\n');
}

/** Who took the photographs, under which licence, and what was done to them, for every file of `examples/`. */
export function credits(recipes: readonly Recipe[]): string {
  const used = new Set(
    recipes.flatMap(({ frame, donor }) => [frame.photograph, donor?.photograph ?? frame.photograph]),
  );
  const lines = [...used].map(name => {
    const { file, title, author, licence, debianPackage } = photographs[name];
    return `- “${title}” by ${author}, ${link(licence)}, \`${file}\` of \`${debianPackage}\``;
  });
  return `# Credits

Every picture here is made from freely licensed photographs by \`tools/examples/make.ts\`; this file is, too. The licence
of each is named below and is not the licence of the program. What is made from a photograph under a ShareAlike licence
(CC BY-SA) stays under that licence: whoever passes it on, changed or not, must name the author and keep the licence.
A mask has the licence of its picture. The authors do not endorse any of this, least of all the forgeries.

In a mask, white is what was changed: where at least a tenth of a pixel comes from elsewhere, shadows included. The masks
of copy-moves mark the copy, not what was copied.

“Authentic” says that nothing was put in or taken out here. Every picture but one was scaled down, which is processing,
too: it takes away much of the sensor's noise and of the traces of earlier JPEG compression. What the authors themselves
did to their photographs (colours, sharpness) is not known.

## Photographs

From packages of Debian 12, whose copyright files name titles, authors and licences so:

${lines.join('\n')}

## Forged: splices

${describeAll(recipes, 'splice')}
## Forged: copy-moves

${describeAll(recipes, 'copymove')}
## Forged: removals

${describeAll(recipes, 'removal')}
## Authentic

${describeAll(recipes, 'authentic')}`;
}
