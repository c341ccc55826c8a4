import type { Analysis, EvidenceResult } from '@forgelens/analysis';
import { mapColour } from '@forgelens/imaging/pixels';
import type { AnalysisViews } from './analysis-views.ts';
import { count, decimals, percent } from './format.ts';
import type { Html } from './html.ts';
import { definitions, figureOf, html, section, table } from './html.ts';
import { page } from './page.ts';

/** One analysis as a page of HTML that needs nothing else. */
export function analysisPage(analysis: Analysis, views: AnalysisViews): string {
  const { input, model, warnings, limitations, evidence } = analysis;
  return page(
    `Where ${input.name.split(/[/\\]/).at(-1)!} may have been tampered with`,
    `${input.width} × ${input.height} px, ${formatName(input.format)}, looked at with ${model.id} ${model.version} on ${dateOf(analysis)}.`,
    html`<div class="figures">${figures(analysis)}</div>
      ${notices(warnings)}`,
    html`<div class="pair">
      ${views.picture && drawing(analysis, views.picture, 'The picture', 'The picture', outlines(analysis, true), pictureId)}
      ${drawing(
        analysis,
        views.overlay,
        'The map over the picture',
        `The map over the picture: ${describeRegions(analysis)}`,
        outlines(analysis, false),
        overlayId,
      )}
      ${drawing(analysis, views.map, 'The map alone', `The map alone: ${describeRegions(analysis)}`, null)}
      <div>
        ${scaleBar('0: no trace of tampering', '1: as sure as the network gets', analysis.protocol.threshold)}
        <p class="aside">
          The lighter, the more the network takes the place for tampered. Lines go around what lies above the threshold
          of ${decimals(analysis.protocol.threshold, 2)}.
        </p>
        <p class="aside">
          Read the map with your eyes on the picture: bright, sharp, smooth or written places may light up without
          having been touched, and what was touched may stay dark.
        </p>
      </div>
    </div>`,
    section('Regions', regions(analysis, views)),
    section(
      'Evidence beside the map',
      evidence === null ? html`<p>It was not looked for.</p>` : showEvidence(analysis, evidence, views),
    ),
    section(
      'Limits',
      html`<p>What holds for every result of this model:</p>
        <ul>
          ${limitations.map(limitation => html`<li>${limitation}</li>`)}
        </ul>`,
    ),
    section('Provenance', provenance(analysis)),
  );
}

function figures({ score, areaFraction, regions: found, protocol }: Analysis): Html[] {
  const { operatingPoint: point } = score;
  return [
    figureOf(
      'Score of the picture, 0 to 1',
      decimals(score.value),
      point
        ? `Of ${count(point.images, 'authentic picture')} of ${point.sets.join(', ')}, ${percent(point.falseAlarmRate)} score ${decimals(point.score)} or more.`
        : `${capitalized(score.rule)}. How often authentic pictures score as high was not measured for these weights.`,
    ),
    ...(score.finding === null
      ? []
      : [figureOf('By this score', findingWords[score.finding].title, noteOf(score.finding, found.length > 0))]),
    figureOf(
      'Above the threshold',
      percent(areaFraction),
      `of the picture; threshold ${decimals(protocol.threshold, 2)}`,
    ),
    figureOf('Regions', String(found.length), `of at least ${percent(protocol.minRegionAreaFraction)} of the picture`),
  ];
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const findingWords = {
  suspicious: { title: 'Suspicious', note: 'A reason to look closer. It is not a verdict.' },
  'no finding': { title: 'No finding', note: 'This is not proof of authenticity.' },
  inconclusive: { title: 'Inconclusive', note: 'What was measured does not hold for a picture like this one.' },
} as const;

/** A score below the operating point must not hide what the map marks. */
const noteOf = (finding: keyof typeof findingWords, hasRegions: boolean): string =>
  finding === 'no finding' && hasRegions
    ? `${findingWords[finding].note} The map marks places all the same: look at them.`
    : findingWords[finding].note;

/** What a reader must know first. */
const notices = (warnings: readonly string[]): Html => html`
  <div class="notice">
    <p>
      <strong>A reason to look, never a verdict.</strong> The score is not the probability that the picture was tampered
      with, and absence of a finding is not proof of authenticity.
    </p>
    ${
      warnings.length > 0
        ? html`<p><strong>About this file:</strong></p>
            <ul>
              ${warnings.map(warning => html`<li>${warning}</li>`)}
            </ul>`
        : null
    }
  </div>
`;

/** The large pictures of the page, as its elements name them. */
const [pictureId, overlayId] = ['the-picture', 'the-overlay'];

/** A picture with what is drawn on it, in the picture's own pixels. */
const drawing = (
  { input: { width, height } }: Analysis,
  address: string,
  title: string,
  alt: string,
  marks: Html | null,
  id: string | null = null,
): Html =>
  html`<figure class="drawing">
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${alt}">
      <image
        ${id === null ? null : html`id="${id}"`}
        href="${address}"
        width="${width}"
        height="${height}"
        preserveAspectRatio="none"
      />
      ${marks}
    </svg>
    <figcaption>${title}</figcaption>
  </figure>`;

/** The regions' numbers, and their outlines unless the picture has them already. */
function outlines({ input, regions: found }: Analysis, withLines: boolean): Html {
  const unit = Math.max(input.width, input.height) / 100;
  return html`${found.slice(0, listedRegions).map(({ polygon, bbox: [x, y, width] }, i) => {
    const points = polygon.map(([px, py]) => `${px},${py}`).join(' ');
    const at = [Math.min(Math.max(x + width / 2, 2 * unit), input.width - 2 * unit), Math.max(y, 2.2 * unit)] as const;
    return html`${withLines ? html`<polygon class="outline" points="${points}" />` : null}
      <circle class="badge" cx="${at[0]}" cy="${at[1]}" r="${1.7 * unit}" />
      <text class="badge" x="${at[0]}" y="${at[1]}" dy="0.36em" font-size="${2.2 * unit}">${i + 1}</text>`;
  })}`;
}

/** So many regions are drawn and listed; a map with more is to be read as a whole. */
const listedRegions = 20;

const describeRegions = ({ regions: found, input }: Analysis): string =>
  found.length === 0
    ? 'no region lies above the threshold.'
    : found
        .slice(0, listedRegions)
        .map(
          ({ bbox: [x, y, width, height] }, i) =>
            `region ${i + 1} at the ${placeOf(x + width / 2, y + height / 2, input)}`,
        )
        .join(', ') + '.';

/** Where a point is, in words. */
function placeOf(x: number, y: number, { width, height }: { readonly width: number; readonly height: number }): string {
  const third = (value: number, extent: number) => Math.min(2, Math.floor((3 * value) / extent));
  const row = ['top', 'middle', 'bottom'][third(y, height)]!;
  const column = [' left', '', ' right'][third(x, width)]!;
  return row + column;
}

/** The colours of maps from 0 to 1, with words at the ends and maybe a mark. */
function scaleBar(zero: string, one: string, mark: number | null = null): Html {
  const stops = Array.from({ length: 9 }, (_, i) => `rgb(${mapColour(i / 8).join(' ')})`).join(', ');
  return html`<div class="scale">
    <span>${zero}</span>
    <div class="bar" style="background: linear-gradient(to right, ${stops})">
      ${mark === null ? null : html`<i style="left: ${100 * mark}%"></i>`}
    </div>
    <span>${one}</span>
  </div>`;
}

type Region = Analysis['regions'][number];

function regions(analysis: Analysis, views: AnalysisViews): Html {
  const { regions: found, input, protocol } = analysis;
  if (found.length === 0)
    return html`<p>
      No region of at least ${percent(protocol.minRegionAreaFraction)} of the picture lies above the threshold.
    </p>`;
  const rows = found.slice(0, listedRegions).map((region, i) => ({ ...region, number: i + 1 }));
  const pixels = input.width * input.height;
  return html`${table<Region & { readonly number: number }>(
    `The regions above the threshold, the largest and surest first${found.length > listedRegions ? `: ${listedRegions} of ${found.length}` : ''}. Places are in pixels from the top left corner.`,
    [
      { title: 'Region', cell: ({ number }) => number },
      { title: 'Picture', cell: region => cutOut(analysis, views.picture ? pictureId : overlayId, region, 'picture') },
      { title: 'Map', cell: region => cutOut(analysis, overlayId, region, 'map') },
      { title: 'Where', cell: ({ bbox: [x, y, w, h] }) => placeOf(x + w / 2, y + h / 2, input) },
      { title: 'Left, top', cell: ({ bbox: [x, y] }) => `${x}, ${y}`, isNumber: true },
      { title: 'Width × height', cell: ({ bbox: [, , w, h] }) => `${w} × ${h}`, isNumber: true },
      {
        title: 'Area',
        cell: ({ area }) => html`${percent(area / pixels)}<small>${area.toLocaleString('en')} px</small>`,
        isNumber: true,
      },
      { title: 'Mean probability', cell: ({ meanScore }) => decimals(meanScore), isNumber: true },
    ],
    rows,
  )}`;
}

/** A region with what is around it, cut out of a picture that the page has already: it is in the page but once. */
function cutOut({ input }: Analysis, id: string, { bbox, number }: Region & { number: number }, what: string): Html {
  const [x, y, width, height] = bbox;
  const side = Math.min(
    Math.max(1.5 * width, 1.5 * height, Math.max(input.width, input.height) / 10),
    Math.max(input.width, input.height),
  );
  const clamp = (middle: number, extent: number) =>
    side >= extent ? (extent - side) / 2 : Math.min(Math.max(middle - side / 2, 0), extent - side);
  const view = [clamp(x + width / 2, input.width), clamp(y + height / 2, input.height), side, side];
  return html`<svg class="cut" viewBox="${view.join(' ')}" role="img" aria-label="Region ${number} of the ${what}">
    <use href="#${id}" />
  </svg>`;
}

const outcomes: Readonly<Record<EvidenceResult['outcome'], string>> = {
  notable: 'Notable',
  quiet: 'Quiet',
  shown: 'Read by eye',
  notApplicable: 'Not applicable',
};

const chip = (outcome: EvidenceResult['outcome']): Html =>
  html`<span class="chip ${outcome}">${outcomes[outcome]}</span>`;

function showEvidence(analysis: Analysis, evidence: readonly EvidenceResult[], views: AnalysisViews): Html {
  const shown = evidence.filter(({ outcome }) => outcome !== 'notApplicable');
  return html`<p>
      None of this comes from the network. “Notable” is what untouched photographs seldom have; “quiet” was looked for
      and not found, which proves nothing.
    </p>
    ${table<EvidenceResult>(
      'What was looked for, and what came out.',
      [
        {
          title: 'Evidence',
          cell: ({ id, title, outcome }) => (outcome === 'notApplicable' ? title : html`<a href="#${id}">${title}</a>`),
        },
        { title: 'Outcome', cell: ({ outcome }) => chip(outcome) },
        { title: 'In a sentence', cell: ({ summary }) => summary },
      ],
      evidence,
    )}
    ${shown.map(one => showOne(analysis, one, views))}`;
}

function showOne(analysis: Analysis, one: EvidenceResult, views: AnalysisViews): Html {
  const {
    id,
    title,
    outcome,
    summary,
    whatItShows,
    lookFor,
    ignore,
    source,
    map,
    boxes,
    pairs,
    table: facts,
    warnings,
  } = one;
  const ground = views.evidence[id] ?? (boxes.length + pairs.length > 0 ? (views.picture ?? views.overlay) : null);
  return html`<article class="evidence ${ground === null ? 'plain' : ''}" id="${id}">
    <h3>${title} ${chip(outcome)}</h3>
    ${
      ground === null
        ? null
        : html`<div class="seen">
            ${drawing(analysis, ground, map ? `${title}, over the whole picture` : 'The picture', `${title}: ${summary}`, marksOf(analysis, one))}
            ${map ? scaleBar(map.zero, map.one) : null}
          </div>`
    }
    <div class="words">
      <p><strong>${summary}</strong></p>
      <dl class="reading">
        <div>
          <dt>It shows</dt>
          <dd>${whatItShows}</dd>
        </div>
        <div>
          <dt>Look for</dt>
          <dd>${lookFor}</dd>
        </div>
        <div>
          <dt>Ignore</dt>
          <dd>${ignore}</dd>
        </div>
      </dl>
      ${
        warnings.length > 0
          ? html`<ul>
              ${warnings.map(warning => html`<li>${warning}</li>`)}
            </ul>`
          : null
      }
      <p class="aside">Method: <a href="${source.url}">${source.text}</a></p>
    </div>
    ${
      facts && facts.rows.length > 0
        ? table<readonly string[]>(
            title,
            facts.columns.map((column, i) => ({ title: column, cell: row => row[i] ?? '' })),
            facts.rows,
          )
        : null
    }
  </article>`;
}

/** Places and pairs that evidence speaks of. */
function marksOf({ input }: Analysis, { boxes, pairs }: EvidenceResult): Html {
  const width = Math.max(input.width, input.height) / 400;
  type Box = EvidenceResult['boxes'][number];
  const rectangle = ({ left, top, width: w, height: h }: Box, kind: string) =>
    html`<rect class="mark ${kind}" x="${left}" y="${top}" width="${w}" height="${h}" stroke-width="${width}" />`;
  return html`${boxes.map(box => rectangle(box, 'first'))}
  ${pairs.map(
    ({ a, b, matches }) =>
      html`${rectangle(a, 'first')}${rectangle(b, 'second')}
      ${matches
        .slice(0, 60)
        .map(
          ([from, to]) =>
            html`<line
              class="mark match"
              x1="${from.x}"
              y1="${from.y}"
              x2="${to.x}"
              y2="${to.y}"
              stroke-width="${width / 2}"
            />`,
        )}`,
  )}`;
}

function provenance(analysis: Analysis): Html {
  const { input, model, preprocessing, protocol, score, maps, evidence, software, licences, timing } = analysis;
  const code = (text: string) => html`<code>${text}</code>`;
  const { stored } = input;
  const [across, down] = preprocessing.scale;
  const files = [maps.map, maps.overlay, ...(evidence ?? []).flatMap(({ map }) => map ?? [])];
  return html`${definitions([
    ['Picture', input.name],
    ['SHA-256 of its bytes', code(input.sha256)],
    ['Bytes', input.bytes.toLocaleString('en')],
    [
      'As the file holds it',
      `${formatName(input.format)}, ${stored.width} × ${stored.height} px, ${count(stored.channels, 'channel')} of ${stored.bitDepth} bits, ${stored.colourSpace}, EXIF orientation ${input.orientation}${stored.frames > 1 ? `, ${stored.frames} frames` : ''}`,
    ],
    ['Decoded by', input.decoder],
    ['Model', `${model.name} (${model.id}), version ${model.version}`],
    ['SHA-256 of its weights', code(model.weightsSha256)],
    ['Terms of the weights', licences.weights],
    ['What the network saw', preprocessing.input],
    ['Size policy', preprocessing.sizePolicy],
    [
      'In this picture',
      preprocessing.tiles
        ? `${preprocessing.tiles.columns} × ${preprocessing.tiles.rows} tiles of ${preprocessing.tiles.size} px, at native resolution`
        : across === 1 && down === 1
          ? 'the whole picture at native resolution'
          : `resized by ${decimals(across)} across and ${decimals(down)} down`,
    ],
    ['Score', score.rule],
    [
      'Operating point',
      score.operatingPoint ? operatingPointText(score.operatingPoint) : 'not measured for these weights',
    ],
    [
      'Threshold',
      `${decimals(protocol.threshold, 2)}; regions under ${percent(protocol.minRegionAreaFraction)} of the picture are not listed`,
    ],
    [
      'Software',
      `${software.name} ${software.version} (${licences.software}), on ${Object.entries(software.runsOn)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    ],
    ['Started', `${timing.startedAt}; took ${decimals(timing.totalMs / 1000, 1)} s`],
    ['Form of the result', `schema version ${analysis.schemaVersion}`],
  ])}
  ${table(
    'The files that belong to this report.',
    [
      { title: 'File', cell: ({ file }) => file },
      { title: 'Pixels', cell: ({ width, height }) => `${width} × ${height}`, isNumber: true },
      { title: 'SHA-256', cell: ({ sha256 }) => code(sha256) },
    ],
    files,
  )}`;
}

const formatName = (format: string): string =>
  ({ jpeg: 'JPEG', png: 'PNG', webp: 'WebP', tiff: 'TIFF', gif: 'GIF', heif: 'HEIF/AVIF', bmp: 'BMP' })[format] ??
  format;

/** The day and minute of the analysis, in UTC. */
const dateOf = ({ timing }: Analysis): string =>
  `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(timing.startedAt))} UTC`;

function operatingPointText({
  score,
  falseAlarmRate,
  sensitivity,
  images,
  sets,
  degradations,
}: NonNullable<Analysis['score']['operatingPoint']>): string {
  const also = degradations.length > 0 ? `, each as it is and after ${degradations.join(', ')}` : '';
  const tampered = sensitivity === null ? '' : `, and by ${percent(sensitivity)} of tampered ones`;
  return `${decimals(score)}: reached by ${percent(falseAlarmRate)} of ${images} authentic pictures of ${sets.join(', ')}${also}${tampered}`;
}
