import type { Analysis } from '@forgelens/analysis';
import type { JSX } from 'preact';
import { decimals, percent } from './format.ts';
import { listedRegions } from './marks.ts';
import { Slider } from './slider.tsx';
import { strings } from './strings.ts';

type Region = Analysis['regions'][number];

interface Props {
  readonly analysis: Analysis;
  readonly threshold: number;
  readonly onThreshold: (threshold: number) => void;
  /** The part of the picture that is above the threshold, in [0, 1]. */
  readonly share: number;
  readonly regions: readonly Region[];
  readonly selected: number | null;
  readonly onSelect: (index: number) => void;
}

/** What the network says, and where. */
export function TamperingPanel(props: Props): JSX.Element {
  const { analysis, threshold, onThreshold, share, regions } = props;
  const { score, protocol, warnings } = analysis;
  const { result: words } = strings;
  const { operatingPoint: point } = score;
  const finding = score.finding && words.findings[score.finding];
  return (
    <>
      <div class="score-card">
        <h2>{words.score}</h2>
        <p class="score-value number">{decimals(score.value)}</p>
        {finding && (
          <p>
            <strong>{words.byScore(finding.title)}</strong> {finding.note}
            {score.finding === 'no finding' && analysis.regions.length > 0 && ` ${words.butRegions}`}
          </p>
        )}
        <p class="faint">
          {words.scoreMeans(capitalized(score.rule))}{' '}
          {point
            ? words.point(point.falseAlarmRate, point.images, point.degradations.length, point.score)
            : words.noPoint}
        </p>
      </div>
      <p class="notice">{words.noVerdict}</p>
      {warnings.length > 0 && (
        <div class="notice warning">
          <strong>{words.warnings}</strong>
          <ul>
            {warnings.map(warning => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </div>
      )}
      <div class="threshold">
        <Slider
          label={strings.viewer.threshold}
          value={threshold}
          text={decimals(threshold)}
          {...{ min: 0, max: 0.99, step: 0.01 }}
          onChange={onThreshold}
        />
        <p class="counts" role="status">
          <strong class="number" data-share={share}>
            {words.share(share)}
          </strong>{' '}
          {words.above}, <strong class="number">{words.regions(regions.length)}</strong>
        </p>
        {threshold !== protocol.threshold && (
          <p class="faint">
            {words.madeAt(protocol.threshold)}{' '}
            <button type="button" class="link" onClick={() => onThreshold(protocol.threshold)}>
              {words.reset(protocol.threshold)}
            </button>
          </p>
        )}
      </div>
      <Regions {...props} />
      <p class="faint">{words.readMap}</p>
    </>
  );
}

function Regions({ analysis, regions, selected, onSelect }: Props): JSX.Element {
  const { result: words } = strings;
  const { width, height } = analysis.input;
  if (regions.length === 0) return <p>{words.noRegion(analysis.protocol.minRegionAreaFraction)}</p>;
  return (
    <>
      <ol class="region-list">
        {regions.slice(0, listedRegions).map(({ bbox: [x, y, w, h], area, meanScore }, i) => {
          const place = placeOf((x + w / 2) / width, (y + h / 2) / height);
          const [part, mean] = [words.regionArea(area / (width * height)), words.regionScore(meanScore)];
          return (
            <li key={i}>
              <button
                type="button"
                aria-label={words.focus(i + 1, place, part, mean)}
                aria-pressed={selected === i}
                onClick={() => onSelect(i)}
              >
                <span class="badge number">{i + 1}</span>
                <span class="region-place">{place}</span>
                <span class="number">{percent(area / (width * height))}</span>
                <span class="number faint">{mean}</span>
              </button>
            </li>
          );
        })}
      </ol>
      {regions.length > listedRegions && <p class="faint">{words.moreRegions(regions.length - listedRegions)}</p>}
    </>
  );
}

/** Where a point is, in words. @param x - and y: of the width and of the height, in [0, 1] */
function placeOf(x: number, y: number): string {
  const third = (value: number) => Math.min(2, Math.floor(3 * value));
  return `${strings.result.rows[third(y)]!} ${strings.result.columns[third(x)]!}`;
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
