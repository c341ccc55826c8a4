import { findRegions } from '@forgelens/localize';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import { Downloads } from './downloads.tsx';
import { EvidencePanel } from './evidence-panel.tsx';
import { FileDetails } from './file-details.tsx';
import type { Layer } from './layers.ts';
import { layersOf, tamperingId, useMaps } from './layers.ts';
import { Legend } from './legend.tsx';
import type { FloatMap } from './paint.ts';
import { countAbove } from './paint.ts';
import type { PaneContent } from './pane.tsx';
import type { Item } from './pictures.ts';
import { Slider } from './slider.tsx';
import { Stage } from './stage.tsx';
import { strings } from './strings.ts';
import { TamperingPanel } from './tampering-panel.tsx';
import type { Frame, Point, View } from './view.ts';
import { viewOf, wholeView } from './view.ts';

interface Props {
  readonly findings: Findings;
  /** The network's map. */
  readonly map: FloatMap;
  /** The picture as this browser decodes it; null where it cannot. */
  readonly picture: ImageBitmap | null;
  readonly item: Item;
}

type Layout = keyof typeof strings.viewer.layouts;
const layouts = Object.keys(strings.viewer.layouts) as Layout[];

/** A map of so many pixels is searched for regions only once the slider rests. */
const largeMap = 2e6;
const restMs = 120;

/** What was found in one picture, to be looked at. */
export function Result({ findings, map, picture: decoded, item }: Props): JSX.Element {
  const { analysis } = findings;
  const { input, protocol } = analysis;
  const size = { width: input.width, height: input.height };
  const layers = useMemo(() => layersOf(findings), [findings]);
  const [layerId, setLayerId] = useState(tamperingId);
  const [layout, setLayout] = useState<Layout>('over');
  const [opacity, setOpacity] = useState(0.75);
  const [threshold, setThreshold] = useState(protocol.threshold);
  const [selected, setSelected] = useState<number | null>(null);
  const [view, setView] = useState<View>(() => wholeView(size));
  const frame = useRef<Frame>(null);
  const flicker = useFlicker(layout === 'flicker');
  const regions = useRegions(map, threshold, analysis);
  const above = useMemo(() => countAbove(map), [map]);
  const stand = useStandIn(findings, decoded);
  const picture = decoded ?? stand;

  const layer = layers.find(({ id }) => id === layerId)!;
  const maps = useMaps(findings, map, layout === 'all' ? layers : [layer]);
  const isTampering = layer.evidence === null;

  const { viewer: words } = strings;
  const contents = contentsOf();

  return (
    <div class="result">
      <div class="workspace">
        <LayerTabs layers={layers} selected={layerId} onSelect={setLayerId} />
        <div class={`viewer ${layout}`}>
          <Stage contents={contents} picture={size} view={view} onView={setView} onPick={pick} frameRef={frame}>
            <fieldset class="segments">
              <legend class="unseen">{words.layout}</legend>
              {layouts.map(id => (
                <label key={id}>
                  <input
                    type="radio"
                    name="layout"
                    class="unseen"
                    checked={layout === id}
                    aria-label={words.layouts[id]}
                    onChange={() => setLayout(id)}
                  />
                  <span class="choice">
                    <strong class="long">{words.layouts[id]}</strong>
                    <strong class="short">{words.layoutsShort[id]}</strong>
                  </span>
                </label>
              ))}
            </fieldset>
          </Stage>
          <div class="under">
            {layer.scale && <Legend scale={layer.scale} threshold={isTampering ? threshold : null} />}
            {(layout === 'over' || layout === 'flicker') && layer.scale && (
              <Slider
                label={words.opacity}
                value={opacity}
                text={`${Math.round(100 * opacity)} %`}
                {...{ min: 0, max: 1, step: 0.05 }}
                onChange={setOpacity}
              />
            )}
            {layout === 'flicker' && <FlickerControls {...flicker} />}
            {maps.get(layerId) === null && (
              <p class="notice warning" role="alert">
                {words.unreadableMap}
              </p>
            )}
            {!decoded && stand && <p class="faint">{item.given instanceof URL ? words.noBytes : words.noPicture}</p>}
          </div>
        </div>
        <section class="panel" id="panel" role="tabpanel" aria-labelledby={`tab-${layerId}`} tabIndex={-1}>
          {layer.evidence ? (
            <EvidencePanel key={layerId} evidence={layer.evidence} />
          ) : (
            <TamperingPanel
              analysis={analysis}
              threshold={threshold}
              onThreshold={value => {
                setThreshold(value);
                setSelected(null);
              }}
              share={above(threshold) / map.values.length}
              regions={regions}
              selected={selected}
              onSelect={select}
            />
          )}
        </section>
      </div>
      <div class="details">
        <Downloads findings={findings} map={map} threshold={threshold} />
        <FileDetails analysis={analysis} place={item.place} />
      </div>
    </div>
  );

  function contentsOf(): readonly PaneContent[] {
    const evidence = layer.evidence;
    const marks = isTampering ? { regions, selected, evidence: null } : { regions: [], selected: null, evidence };
    const alone: PaneContent = {
      ...{ label: words.picture, picture, map: null, opacity: 0, weighted: false, threshold: null },
      marks: null,
    };
    const mapOf = ({ id, title, evidence }: Layer): PaneContent => ({
      ...{ label: title, picture: null, map: maps.get(id) ?? null, opacity: 1, weighted: false },
      threshold: evidence ? null : threshold,
      marks: null,
    });
    // Low values let the picture through: where there is nothing to see, one sees it.
    const over: PaneContent = {
      ...mapOf(layer),
      ...{
        label: layer.scale ? words.over(layer.title) : words.picture,
        picture,
        opacity,
        weighted: true,
        marks,
      },
    };
    if (layout === 'all') return [alone, ...layers.filter(({ scale }) => scale).map(mapOf)];
    if (layout === 'beside' && layer.scale) return [{ ...alone, marks }, mapOf(layer)];
    if (layout === 'flicker') return [flicker.isSecond ? over : alone];
    return [over];
  }

  function pick({ x, y }: Point): void {
    if (!isTampering) return;
    const hits = regions
      .map(({ bbox: [left, top, width, height] }, index) => ({
        index,
        isHit: x >= left && x < left + width && y >= top && y < top + height,
        area: width * height,
      }))
      .filter(({ isHit }) => isHit)
      .sort((a, b) => a.area - b.area);
    setSelected(hits[0]?.index ?? null);
  }

  function select(index: number): void {
    setSelected(index);
    setView(viewOf(regions[index]!.bbox, frame.current!));
  }
}

/** The regions above a threshold. */
function useRegions({ values, width, height }: FloatMap, threshold: number, { protocol }: Findings['analysis']) {
  const rested = useRested(threshold, values.length < largeMap ? 0 : restMs);
  return useMemo(() => findRegions(values, width, height, rested, protocol.minRegionAreaFraction), [values, rested]);
}

/** A value that follows another one once that has rested for so long; with 0, at once. */
function useRested<T>(value: T, forMs: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), forMs);
    return () => clearTimeout(timer);
  }, [value]);
  return forMs === 0 ? value : rested;
}

/** The overlay, where the picture itself cannot be shown. */
function useStandIn({ analysis, files }: Findings, decoded: ImageBitmap | null): ImageBitmap | null {
  const [stand, setStand] = useState<ImageBitmap | null>(null);
  useEffect(() => {
    if (decoded) return;
    let isWanted = true;
    void createImageBitmap(files.get(analysis.maps.overlay.file)!).then(bitmap => {
      if (isWanted) setStand(bitmap);
    });
    return () => {
      isWanted = false;
    };
  }, [decoded]);
  return stand;
}

/** More changes a second could harm people with photosensitive epilepsy: WCAG 2.3.1 allows three flashes. */
const mostChanges = 3;

interface Flicker {
  readonly isSecond: boolean;
  readonly isRunning: boolean;
  readonly perSecond: number;
  readonly isStill: boolean;
  readonly setRunning: (isRunning: boolean) => void;
  readonly setPerSecond: (perSecond: number) => void;
  readonly swap: () => void;
}

/** Two pictures in turn. Where less motion is asked for, only once it is started. */
function useFlicker(isShown: boolean): Flicker {
  const isStill = useMemo(() => matchMedia('(prefers-reduced-motion: reduce)').matches, []);
  const [isSecond, setSecond] = useState(true);
  const [isRunning, setRunning] = useState(!isStill);
  const [perSecond, setPerSecond] = useState(1);
  useEffect(() => {
    if (!isShown || !isRunning) return;
    const timer = setInterval(() => setSecond(second => !second), 1000 / Math.min(perSecond, mostChanges));
    return () => clearInterval(timer);
  }, [isShown, isRunning, perSecond]);
  const swap = () => {
    setRunning(false);
    setSecond(!isSecond);
  };
  return { isSecond, isRunning, perSecond, isStill, setRunning, setPerSecond, swap };
}

function FlickerControls({ isRunning, perSecond, isStill, setRunning, setPerSecond, swap }: Flicker): JSX.Element {
  const { viewer: words } = strings;
  return (
    <div class="flicker-controls">
      <button type="button" class="button" onClick={() => setRunning(!isRunning)}>
        {isRunning ? words.pause : words.start}
      </button>
      <button type="button" class="button" onClick={swap}>
        {words.swap}
      </button>
      <Slider
        label={words.speed}
        value={perSecond}
        text={String(perSecond)}
        {...{ min: 0.5, max: mostChanges, step: 0.5 }}
        onChange={setPerSecond}
      />
      {isStill && <p class="faint">{words.stillness}</p>}
    </div>
  );
}

interface LayerTabsProps {
  readonly layers: readonly Layer[];
  readonly selected: string;
  readonly onSelect: (id: string) => void;
}

/** What there is to look at; arrow keys go through it. */
function LayerTabs({ layers, selected, onSelect }: LayerTabsProps): JSX.Element {
  const step = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = layers.findIndex(({ id }) => id === selected);
    const next = layers[(at + by + layers.length) % layers.length]!;
    onSelect(next.id);
    document.getElementById(`tab-${next.id}`)!.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={strings.layers.label} aria-orientation="vertical" onKeyDown={step}>
      {layers.map(({ id, title, evidence }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`tab-${id}`}
          class={evidence?.outcome ?? 'network'}
          aria-selected={id === selected}
          aria-controls="panel"
          tabIndex={id === selected ? 0 : -1}
          onClick={() => onSelect(id)}
        >
          <span class="tab-title">{title}</span>
          <span class="tab-note">
            {evidence ? strings.evidence.outcomes[evidence.outcome] : strings.layers.network}
          </span>
        </button>
      ))}
    </div>
  );
}
