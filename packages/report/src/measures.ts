import type { Images, ImageResult } from '@forgelens/evaluate';
import type { Interval } from '@forgelens/metrics';
import { aucTimes, bootstrap, f1, falseAlarmArea, hasTampered, iou, meanTimes, sumTimes } from '@forgelens/metrics';

/** What is needed of an image, at the threshold of our own protocol. */
export type ScoredImage = Pick<ImageResult, 'id' | 'set' | 'label' | 'counts' | 'auc' | 'score'>;

/** A number of a list of images, as a function of how often each of them is taken; null where it is undefined. */
type Statistic = (times: Uint32Array) => number | null;

interface Measure {
  readonly title: string;
  readonly images: Images;
  /** Whether more of it is better. */
  readonly isGain: boolean;
  /** The value of one image, of which the mean is taken; null where it is undefined. */
  readonly ofEach?: (image: ScoredImage) => number | null;
  /** The value of all of them together. */
  readonly ofAll?: (images: readonly ScoredImage[]) => Statistic;
}

const pooledF1 = (images: readonly ScoredImage[]): Statistic => {
  const counts = images.map(image => image.counts);
  return times => f1(sumTimes(counts, times));
};

/** The numbers by which models, and degradations, are compared; the headline first. */
export const measures = {
  f1: { title: 'F1', images: 'tampered', isGain: true, ofEach: ({ counts }) => f1(counts) },
  pooledF1: { title: 'Pooled F1', images: 'tampered', isGain: true, ofAll: pooledF1 },
  iou: { title: 'IoU', images: 'tampered', isGain: true, ofEach: ({ counts }) => iou(counts) },
  auc: { title: 'AUC', images: 'tampered', isGain: true, ofEach: ({ auc }) => auc },
  falseAlarmArea: {
    title: 'False-alarm area',
    images: 'authentic',
    isGain: false,
    ofEach: ({ counts }) => falseAlarmArea(counts),
  },
  imageAuc: { title: 'Image AUC', images: 'all', isGain: true, ofAll: imageAuc },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;
export const measureNames = Object.keys(measures) as MeasureName[];

/** A number, and its interval of 95 % by bootstrap over images. Null where it is undefined, or the images are too few. */
export interface Estimate {
  readonly value: number | null;
  readonly interval: Interval | null;
  /** The images that it is of. */
  readonly images: number;
}

export type Estimates = Readonly<Record<MeasureName, Estimate>>;

/** Each measure of a list of images. */
export const estimate = (images: readonly ScoredImage[]): Estimates =>
  estimateEach(images, ({ ofEach, ofAll }, among) =>
    ofEach ? meanOf(among.map(ofEach)) : { images: among.length, statistic: ofAll!(among) },
  );

/**
 * How much each measure of a list differs from that of another one: `images` less `reference`, over the images that are
 * in both, and of means over those that define both values. The same images are drawn for both, so that how hard they
 * are cancels out.
 */
export function estimateDifference(images: readonly ScoredImage[], reference: readonly ScoredImage[]): Estimates {
  const pairs = new Map(pairUp(images, reference));
  return estimateEach([...pairs.keys()], ({ ofEach, ofAll }, among) => {
    const others = among.map(image => pairs.get(image)!);
    if (ofEach) return meanOf(among.map((image, i) => less(ofEach(image), ofEach(others[i]!))));
    const [one, two] = [ofAll!(among), ofAll!(others)];
    return { images: among.length, statistic: times => less(one(times), two(times)) };
  });
}

const less = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);

/** The images that are in both lists, in the order of the first one. */
export function pairUp<Image extends Pick<ScoredImage, 'set' | 'id'>>(
  images: readonly Image[],
  reference: readonly Image[],
): readonly (readonly [image: Image, reference: Image])[] {
  const others = new Map(reference.map(image => [keyOf(image), image]));
  return images.flatMap(image => {
    const other = others.get(keyOf(image));
    return other ? [[image, other] as const] : [];
  });
}

export const keyOf = ({ set, id }: Pick<ScoredImage, 'set' | 'id'>): string => `${set}/${id}`;

interface Prepared {
  /** The images that define it. */
  readonly images: number;
  readonly statistic: Statistic;
}

const meanOf = (values: readonly (number | null)[]): Prepared => ({
  images: values.filter(value => value !== null).length,
  statistic: times => meanTimes(values, times),
});

/** A part of a tampered image in which nothing is tampered is neither a tampered nor an authentic one. */
const isAmong =
  (kind: Images) =>
  ({ label, counts }: ScoredImage): boolean =>
    label === 1 ? kind !== 'authentic' && hasTampered(counts) : kind !== 'tampered';

/** Measures of the same images see the same draws, which take longer than the measures. */
function estimateEach(
  images: readonly ScoredImage[],
  prepare: (measure: Measure, among: readonly ScoredImage[]) => Prepared,
): Estimates {
  const found = new Map<MeasureName, Estimate>();
  for (const kind of ['tampered', 'authentic', 'all'] as const) {
    const names = measureNames.filter(name => measures[name].images === kind);
    const among = images.filter(isAmong(kind));
    const prepared = names.map(name => prepare(measures[name], among));
    const once = new Uint32Array(among.length).fill(1);
    const intervals = bootstrap(among.length, times => prepared.map(({ statistic }) => statistic(times)));
    for (const [i, { images, statistic }] of prepared.entries())
      found.set(names[i]!, { value: statistic(once), interval: intervals[i]!, images });
  }
  return Object.fromEntries(measureNames.map(name => [name, found.get(name)!])) as Record<MeasureName, Estimate>;
}

/** How well the scores of images tell tampered from authentic ones. */
function imageAuc(images: readonly ScoredImage[]): Statistic {
  const statistics = aucTimes(
    images.map(({ score }) => score),
    images.map(({ label }) => label),
  );
  return times => statistics(times)[0]!;
}
