import { resizeMap } from '@forgelens/imaging/pixels';
import { Ranking, validOutsideBand } from '@forgelens/metrics';
import type { Measure, Protocol, TruthRule } from './protocol.ts';
import { resizeLevels } from './resize-levels.ts';

/** The map of an image and its truth, at the image's own size. */
export interface MapAndTruth {
  readonly width: number;
  readonly height: number;
  /** [H·W], in [0, 1]. */
  readonly probabilities: Float32Array;
  /** The levels of the truth, [H·W], 0–255: the mean of red, green and blue in the mask's file. */
  readonly levels: Uint8Array;
}

/** Of a protocol, what decides which pixels a measure sees. Protocols that agree in it share the work. */
export type View = Pick<Protocol, 'truth' | 'size' | 'border'>;

/** Pixels as a measure sees them. */
export interface Pixels {
  readonly probabilities: Float32Array;
  /** 1 tampered. */
  readonly labels: Uint8Array;
  /** 0 where a pixel is not scored. */
  readonly valid?: Uint8Array;
  readonly ranking: Ranking;
}

/** What a measure of a protocol sees. */
export const viewOf = ({ truth, size, border }: Protocol, measure: Measure): View => ({
  truth,
  size,
  border: measure.level === 'pixels' && !measure.withBorder ? border : null,
});

/** Names a view: equal views have equal keys. */
export const keyOf = ({ truth, size, border }: View): string => JSON.stringify([truth, size, border]);

/** One image as any number of views see it. What several of them have in common is done once. */
export class Views {
  private readonly image: MapAndTruth;
  private readonly done = new Map<string, unknown>();
  private readonly seen: { readonly size: View['size']; readonly border: View['border']; readonly pixels: Pixels }[] =
    [];

  constructor(image: MapAndTruth) {
    this.image = image;
  }

  /** Map and truth where they are compared. */
  see(view: View): Pixels {
    return this.once(keyOf(view), () => this.look(view));
  }

  private look({ truth, size, border }: View): Pixels {
    const { width, height } = size === 'image' ? this.image : size;
    const labels = cut(this.levelsAt(width, height), truth);
    // Most masks are black and white, and the same whatever the threshold.
    const alike = this.seen.find(
      other =>
        JSON.stringify([other.size, other.border]) === JSON.stringify([size, border]) &&
        other.pixels.labels.every((label, i) => label === labels[i]),
    );
    if (alike) return alike.pixels;
    const probabilities = this.probabilitiesAt(width, height);
    const valid = border === null ? undefined : validOutsideBand(labels, width, height, border);
    const pixels = { probabilities, labels, valid, ranking: Ranking.of(probabilities, labels, valid) };
    this.seen.push({ size, border, pixels });
    return pixels;
  }

  private probabilitiesAt(width: number, height: number): Float32Array {
    const { image } = this;
    if (width === image.width && height === image.height) return image.probabilities;
    // Interpolated values may be rounded to just above 1.
    return this.once(`probabilities ${width}×${height}`, () =>
      resizeMap(image.probabilities, image, width, height).map(p => Math.min(p, 1)),
    );
  }

  private levelsAt(width: number, height: number): Uint8Array {
    const { image } = this;
    return this.once(`levels ${width}×${height}`, () => resizeLevels(image.levels, image, width, height));
  }

  private once<T>(key: string, make: () => T): T {
    if (!this.done.has(key)) this.done.set(key, make());
    return this.done.get(key) as T;
  }
}

/** 1 where a level is tampered. */
function cut(levels: Uint8Array, { value, comparison, isStretched }: TruthRule): Uint8Array {
  const highest = levels.reduce((most, level) => Math.max(most, level), 0);
  const scale = isStretched ? 255 / Math.max(1, highest) : 1;
  return levels.map(level => Number(comparison === '>' ? scale * level > value : scale * level >= value));
}
