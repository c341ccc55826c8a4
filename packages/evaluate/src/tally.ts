import type { ImageScores, Interval, PooledPixels } from '@forgelens/metrics';
import { bootstrap, f1, iou, scoreImage, ScoreHistogram, summarize } from '@forgelens/metrics';
import type { Concluded, Contribution, Measured } from './protocols/measure.ts';
import { conclude, contribute, imagesOf, isAmong, isPooledRanking } from './protocols/measure.ts';
import { protocols as presets } from './protocols/presets.ts';
import type { Images, Measure, Protocol } from './protocols/protocol.ts';
import type { MapAndTruth, View } from './protocols/view.ts';
import { keyOf, viewOf, Views } from './protocols/view.ts';
import type { ImageResult, ProtocolResult, SetReport } from './report.ts';

/** An image to be scored. */
export interface LocatedImage extends MapAndTruth {
  readonly id: string;
  readonly set: string;
  /** 1 tampered, 0 authentic. */
  readonly label: 0 | 1;
  /** The model's score of the whole image, in [0, 1]. */
  readonly score: number;
}

/** What is kept of an image. */
interface Seen {
  readonly id: string;
  readonly set: string;
  readonly label: 0 | 1;
  readonly scores: ImageScores;
  /** By protocol, one for each measure. */
  readonly contributions: Readonly<Record<string, readonly (Contribution | null)[]>>;
}

/** What a tally holds, as plain data that can cross threads. */
export interface TallyParts {
  readonly images: readonly Seen[];
  readonly histograms: readonly (readonly [key: string, counts: Float64Array])[];
}

/** The rules by which `overall`, `sets` and `images` of a report are taken. */
export const ownProtocol: Protocol = presets.forgelens;
const ownView = viewOf(ownProtocol, ownProtocol.measures[0]!);

/**
 * Scores images, one after the other, by every protocol at once. In which order they come, and how they are shared out
 * among tallies that are merged, changes no bit of the results.
 */
export class Tally {
  private readonly protocols: readonly Protocol[];
  private readonly images: Seen[] = [];
  private readonly histograms = new Map<string, ScoreHistogram>();
  /** Which views are binned, and of which images. */
  private readonly binned = new Map<string, { readonly view: View; readonly images: Images }>();

  constructor(protocols: readonly Protocol[]) {
    this.protocols = protocols;
    this.bin(ownView, 'all');
    for (const protocol of protocols)
      for (const measure of protocol.measures.filter(isPooledRanking))
        this.bin(viewOf(protocol, measure), imagesOf(protocol, measure));
  }

  private bin(view: View, images: Images): void {
    const before = this.binned.get(keyOf(view));
    this.binned.set(keyOf(view), { view, images: before && before.images !== images ? 'all' : images });
  }

  add({ id, set, label, score, ...image }: LocatedImage): void {
    const views = new Views(image);
    const contributionOf = (protocol: Protocol, measure: Measure) =>
      isAmong(imagesOf(protocol, measure), label)
        ? contribute(protocol, measure, views.see(viewOf(protocol, measure)), score)
        : null;
    for (const [key, { view, images }] of this.binned) {
      if (!isAmong(images, label)) continue;
      const { probabilities, labels, valid } = views.see(view);
      this.histogram(histogramKey(set, label, key)).add(probabilities, labels, valid);
    }
    const { ranking } = views.see(ownView);
    this.images.push({
      ...{ id, set, label },
      scores: scoreImage(ranking, ownProtocol.threshold.value, { key: `${set}/${id}`, scores: { model: score } }),
      contributions: Object.fromEntries(
        this.protocols.map(protocol => [
          protocol.name,
          protocol.measures.map(measure => contributionOf(protocol, measure)),
        ]),
      ),
    });
  }

  /** Adds what another tally of the same protocols holds. */
  merge({ images, histograms }: TallyParts): void {
    this.images.push(...images);
    for (const [key, counts] of histograms) this.histogram(key).merge(ScoreHistogram.fromCounts(counts));
  }

  toParts(): TallyParts {
    return {
      images: this.images,
      histograms: Array.from(this.histograms, ([key, histogram]) => [key, histogram.toCounts()] as const),
    };
  }

  /** The scores of a set, or of all images where `set` is null, by our own protocol. */
  summarize(set: string | null): Omit<SetReport, 'samples' | 'scored' | 'excluded'> {
    const pixels: PooledPixels = {
      tampered: this.pool(set, 'tampered', ownView),
      authentic: this.pool(set, 'authentic', ownView),
    };
    return summarize(
      this.of(set).map(({ scores }) => scores),
      pixels,
      ownProtocol.threshold.value,
    );
  }

  /** Every protocol's numbers, of all images and of each of these sets. */
  measure(sets: readonly string[]): ProtocolResult[] {
    const overall = this.measureSet(null);
    const bySet = sets.map(set => [set, this.measureSet(set)] as const);
    return this.protocols.map((protocol, i) => ({
      protocol,
      overall: overall[i]!,
      sets: Object.fromEntries(bySet.map(([set, measured]) => [set, measured[i]!])),
    }));
  }

  /** One row for each image, in the order of set and id. */
  rows(): ImageResult[] {
    return this.of(null).map(({ id, set, label, scores, contributions }) => {
      const { counts, auc, averagePrecision, best } = scores;
      const { model, ...byRule } = scores.scores;
      return {
        ...{ id, set, label, counts },
        ...{ f1: f1(counts), iou: iou(counts), auc, averagePrecision, best },
        score: model!,
        scores: byRule,
        protocols: Object.fromEntries(
          this.protocols.map(({ name, measures }) => [
            name,
            Object.fromEntries(
              measures.flatMap((measure, i) => {
                const contribution = contributions[name]![i]!;
                return contribution?.kind === 'value' ? [[measure.name, contribution.value]] : [];
              }),
            ),
          ]),
        ),
      };
    });
  }

  /** For each protocol, its measures of a set. */
  private measureSet(set: string | null): Measured[][] {
    const inOrder = this.of(set);
    const concluded = this.protocols.map(protocol =>
      protocol.measures.map((measure, i) => {
        const contributed = inOrder.map(({ label, contributions }) => ({
          label,
          contribution: contributions[protocol.name]![i]!,
        }));
        const pool = (images: Images) => this.pool(set, images, viewOf(protocol, measure));
        return { ...conclude(protocol, measure, contributed, pool), images: imagesOf(protocol, measure) };
      }),
    );
    // All measures of the same images see the same draws, which take longer than the measures.
    const intervals = new Map<Concluded['statistic'], Interval | null>();
    for (const images of ['tampered', 'authentic', 'all'] as const) {
      const statistics = concluded.flat().flatMap(found => (found.images === images ? (found.statistic ?? []) : []));
      const among = inOrder.filter(({ label }) => isAmong(images, label));
      const found = bootstrap(among.length, times => statistics.map(statistic => statistic(times)));
      for (const [i, statistic] of statistics.entries()) intervals.set(statistic, found[i] ?? null);
    }
    return concluded.map(measures =>
      measures.map(({ measured, statistic }) => ({
        ...measured,
        interval: intervals.get(statistic) ?? measured.interval,
      })),
    );
  }

  /** The images of a set, in the order of their names. */
  private of(set: string | null): Seen[] {
    return this.images
      .filter(image => set === null || image.set === set)
      .sort((a, b) => (a.scores.key < b.scores.key ? -1 : a.scores.key > b.scores.key ? 1 : 0));
  }

  private pool(set: string | null, images: Images, view: View): ScoreHistogram {
    const pooled = new ScoreHistogram();
    for (const label of [0, 1] as const) {
      if (!isAmong(images, label)) continue;
      for (const name of set === null ? new Set(this.images.map(image => image.set)) : [set]) {
        const histogram = this.histograms.get(histogramKey(name, label, keyOf(view)));
        if (histogram) pooled.merge(histogram);
      }
    }
    return pooled;
  }

  private histogram(key: string): ScoreHistogram {
    if (!this.histograms.has(key)) this.histograms.set(key, new ScoreHistogram());
    return this.histograms.get(key)!;
  }
}

const histogramKey = (set: string, label: 0 | 1, view: string): string => JSON.stringify([set, label, view]);
