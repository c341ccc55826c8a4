import type { ImageResult, Report } from '@forgelens/evaluate';
import type { Image, Mask } from '@forgelens/imaging';
import { encodeJpeg, encodeMask, overlay, resizeImage, resizeMask, resizePlanes } from '@forgelens/imaging';
import { falseAlarmArea } from '@forgelens/metrics';
import { toDataAddress } from './data-address.ts';
import { count, decimals, percent } from './format.ts';
import type { Html } from './html.ts';
import { html } from './html.ts';

/** A picture with what is true of it and what was found: all of one size. */
export interface View {
  readonly image: Image;
  readonly truth: Mask;
  /** [H·W], in [0, 1]. */
  readonly probabilities: Float32Array;
}

/** An image that is shown, small. */
export interface Exhibit {
  readonly result: ImageResult;
  /** `data:` addresses of the picture, its truth, and the map over it. */
  readonly picture: string;
  readonly truth: string;
  readonly map: string;
}

/** The images that are worth a look: the best and the worst of the tampered ones, and the worst false alarms. */
export interface Exhibits<Shown = Exhibit> {
  readonly best: readonly Shown[];
  readonly worst: readonly Shown[];
  readonly alarms: readonly Shown[];
}

/** Of the images of a report, which to show: at most `each` of a kind, and no image twice. */
export function chooseExhibits({ images }: Pick<Report, 'images'>, each = 6): Exhibits<ImageResult> {
  const tampered = images.filter(({ f1 }) => f1 !== null).sort((a, b) => b.f1! - a.f1!);
  const half = Math.min(each, Math.ceil(tampered.length / 2));
  const area = ({ counts }: ImageResult) => falseAlarmArea(counts)!;
  return {
    best: tampered.slice(0, half),
    worst: tampered.slice(Math.max(half, tampered.length - each)).reverse(),
    alarms: images
      .filter(image => image.label === 0 && area(image) > 0)
      .sort((a, b) => area(b) - area(a))
      .slice(0, each),
  };
}

/**
 * Makes exhibits of the images that were chosen.
 *
 * @param see - gives what there is to see of an image; null leaves it out
 */
export async function makeExhibits(
  chosen: Exhibits<ImageResult>,
  see: (image: ImageResult) => Promise<View | null>,
): Promise<Exhibits> {
  const make = async (results: readonly ImageResult[]) => {
    const made: Exhibit[] = [];
    for (const result of results) {
      const view = await see(result);
      if (view) made.push(await makeExhibit(result, view));
    }
    return made;
  };
  return { best: await make(chosen.best), worst: await make(chosen.worst), alarms: await make(chosen.alarms) };
}

/** The longer side of the small pictures, px: sharp on a screen of double density. */
const thumbnailSize = 320;

async function makeExhibit(result: ImageResult, { image, truth, probabilities }: View): Promise<Exhibit> {
  const scale = Math.min(1, thumbnailSize / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map(side => Math.max(1, Math.round(side * scale))) as [
    number,
    number,
  ];
  const small = resizeImage(image, width, height);
  const map = resizePlanes(probabilities, { width: image.width, height: image.height, channels: 1 }, width, height);
  const jpeg = async (picture: Image) =>
    toDataAddress('image/jpeg', await encodeJpeg(picture, { quality: 80, chromaSubsampling: '4:4:4' }));
  return {
    result,
    picture: await jpeg(small),
    truth: toDataAddress('image/png', await encodeMask(resizeMask(truth, width, height))),
    map: await jpeg(overlay(small, map)),
  };
}

/** Exhibits as HTML: picture, truth and map beside each other. */
export function showExhibits(exhibits: Exhibits): Html | null {
  const kinds: [string, readonly Exhibit[]][] = [
    ['Best found', exhibits.best],
    ['Worst found', exhibits.worst],
    ['Largest false alarms on authentic images', exhibits.alarms],
  ];
  const shown = kinds.filter(([, those]) => those.length > 0);
  if (shown.length === 0) return null;
  return html`<p class="aside">
      Each row: the picture, its truth (white is tampered), and the map over the picture. The more probable, the more of
      the colour; a white line surrounds what lies above the threshold.
    </p>
    ${shown.map(
      ([title, those]) =>
        html`<h3>${title}</h3>
          <div class="exhibits">${those.map(showExhibit)}</div>`,
    )}`;
}

function showExhibit({ result, picture, truth, map }: Exhibit): Html {
  const { set, id, f1, iou, auc, score, counts } = result;
  const found =
    f1 === null
      ? html`<strong>${percent(falseAlarmArea(counts))} flagged</strong>, ${count(counts.fp, 'pixel')}`
      : html`<strong>F1 ${decimals(f1)}</strong>, IoU ${decimals(iou)}, AUC ${decimals(auc)}`;
  return html`<figure class="exhibit">
    <div class="views">
      <img src="${picture}" alt="${`${id}: the picture`}" />
      <img src="${truth}" alt="${f1 === null ? 'its truth: nothing is tampered' : 'its truth: tampered is white'}" />
      <img src="${map}" alt="the map over the picture" />
    </div>
    <figcaption>${found}, image score ${decimals(score)}<br />${set}: ${id}</figcaption>
  </figure>`;
}
