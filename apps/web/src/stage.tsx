import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { MinusIcon, PlusIcon } from './icons.tsx';
import type { PaneContent } from './pane.tsx';
import { Pane } from './pane.tsx';
import { strings } from './strings.ts';
import type { Frame, Point, Size, View } from './view.ts';
import { clampView, panBy, scaleOf, toPicture, zoomAbout } from './view.ts';

interface Props {
  readonly contents: readonly PaneContent[];
  readonly picture: Size;
  readonly view: View;
  /** Told how to make the view that is wanted from the one there is. */
  readonly onView: (change: (view: View) => View) => void;
  /** Told the point of the picture that was clicked or tapped. */
  readonly onPick: (point: Point) => void;
  /** Gets to know how large the panes are. */
  readonly frameRef: { current: Frame | null };
  /** Stands before the buttons for zooming. */
  readonly children: ComponentChildren;
}

const gap = 2;
const zoomStep = 1.3;
const panStep = 48;
/** A pointer that moves less than so many CSS pixels clicks. */
const clickSlack = 4;

/** Panes that all show the same part of the picture, moved by pointers, wheel, keys and buttons. */
export function Stage({ contents, picture, view, onView, onPick, frameRef, children }: Props): JSX.Element {
  const panes = useRef<HTMLDivElement>(null);
  const size = useSize(panes);
  const columns = columnsFor(contents.length, size, picture);
  const rows = Math.ceil(contents.length / columns);
  const pane = {
    width: Math.max(0, (size.width - gap * (columns - 1)) / columns),
    height: Math.max(0, (size.height - gap * (rows - 1)) / rows),
  };
  const frame: Frame = { picture, pane };
  frameRef.current = frame;
  const shown = clampView(view, frame);
  const change = (to: (view: View) => View) => onView(view => to(clampView(view, frame)));
  const middle: Point = { x: pane.width / 2, y: pane.height / 2 };
  const zoom = (factor: number) => change(view => zoomAbout(view, frame, factor, middle));
  const pan = (dx: number, dy: number) => change(view => panBy(view, frame, dx, dy));
  const showAll = () => change(view => ({ ...view, zoom: 1 }));

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom(zoomStep),
    '=': () => zoom(zoomStep),
    '-': () => zoom(1 / zoomStep),
    '0': showAll,
    ArrowLeft: () => pan(panStep, 0),
    ArrowRight: () => pan(-panStep, 0),
    ArrowUp: () => pan(0, panStep),
    ArrowDown: () => pan(0, -panStep),
  };
  const gestures = useGestures(panes, {
    zoom: (factor, at) => change(view => zoomAbout(view, frame, factor, at)),
    pan,
    pick: at => onPick(toPicture(shown, frame, at)),
  });
  const { viewer: words } = strings;

  return (
    <div class="stage">
      <div class="toolbar">
        {children}
        <div class="zoom" role="group" aria-label={words.scale}>
          <button type="button" class="button plain" aria-label={words.zoomOut} onClick={() => zoom(1 / zoomStep)}>
            <MinusIcon />
          </button>
          <output class="number" title={words.scale}>
            {Math.round(100 * scaleOf(shown, frame))} %
          </output>
          <button type="button" class="button plain" aria-label={words.zoomIn} onClick={() => zoom(zoomStep)}>
            <PlusIcon />
          </button>
          <button type="button" class="button plain" aria-label={words.whole} onClick={showAll}>
            {words.wholeShort}
          </button>
        </div>
      </div>
      <div
        ref={panes}
        class={`panes ${shown.zoom > 1 ? 'zoomed' : ''}`}
        style={{
          gridTemplateColumns: `repeat(${columns}, 1fr)`,
          gridTemplateRows: `repeat(${rows}, 1fr)`,
          // A narrow screen has no room to waste above and below one picture.
          ...(contents.length === 1 && { '--shape': picture.height / picture.width }),
        }}
        role="group"
        aria-label={words.label}
        aria-describedby="viewer-keys"
        tabIndex={0}
        onKeyDown={event => {
          const act = keys[event.key];
          if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
          event.preventDefault();
          act();
        }}
        {...gestures}
      >
        {contents.map((content, i) => (
          <div class="pane" key={i}>
            {size.width > 0 && <Pane content={content} frame={frame} view={shown} />}
            {contents.length > 1 && (
              <span class="pane-label" aria-hidden="true">
                {content.label}
              </span>
            )}
          </div>
        ))}
      </div>
      <p id="viewer-keys" class="unseen">
        {words.keys}
      </p>
    </div>
  );
}

/** Rows of panes are easier to compare than columns, so these must make the picture this much larger. */
const worthStacking = 1.15;

/** As many columns as make the picture largest. */
function columnsFor(count: number, area: Size, picture: Size): number {
  const scaleWith = (columns: number) =>
    Math.min(area.width / columns / picture.width, area.height / Math.ceil(count / columns) / picture.height);
  let best = count;
  for (let columns = count - 1; columns > 0; columns--)
    if (scaleWith(columns) > scaleWith(best) * (count === 2 ? worthStacking : 1)) best = columns;
  return best;
}

/** The size of an element's content, followed. */
function useSize(element: { readonly current: HTMLElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const { clientWidth, clientHeight } = element.current!;
    setSize({ width: clientWidth, height: clientHeight });
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
    });
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return size;
}

interface Gestures {
  /** About a point of the pane, in CSS pixels. */
  zoom(factor: number, at: Point): void;
  pan(dx: number, dy: number): void;
  pick(at: Point): void;
}

/** Pointers drag and pinch, the wheel zooms. */
function useGestures(panes: { readonly current: HTMLElement | null }, latest: Gestures) {
  const gestures = useRef(latest);
  gestures.current = latest;
  const pointers = useRef(new Map<number, Point>());
  const moved = useRef(0);

  useEffect(() => {
    const element = panes.current!;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      // A wheel that counts lines moves about 16 px a line; a pinch on a touchpad comes as a wheel with the control key.
      const delta = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1) * (event.ctrlKey ? 4 : 1);
      gestures.current.zoom(Math.exp(-Math.min(Math.max(delta, -200), 200) / 400), inPane(event));
    };
    // Preact listens passively, and a passive listener cannot keep the page from scrolling.
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);

  const end = (event: PointerEvent) => {
    const wasOne = pointers.current.size === 1;
    if (!pointers.current.delete(event.pointerId)) return;
    if (event.type === 'pointerup' && wasOne && moved.current < clickSlack) gestures.current.pick(inPane(event));
  };
  return {
    onPointerDown(event: PointerEvent) {
      if (event.button !== 0) return;
      panes.current!.setPointerCapture(event.pointerId);
      if (pointers.current.size === 0) moved.current = 0;
      pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove(event: PointerEvent) {
      const before = pointers.current.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      moved.current += Math.hypot(now.x - before.x, now.y - before.y);
      pointers.current.set(event.pointerId, now);
      const others = [...pointers.current].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      const [other] = others;
      if (!other) return gestures.current.pan(now.x - before.x, now.y - before.y);
      const apart = (point: Point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      gestures.current.zoom(
        apart(now) / apart(before),
        inPane({ clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 }),
      );
      gestures.current.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    },
    onPointerUp: end,
    onPointerCancel: end,
  };

  /** The point within the pane that lies there. */
  function inPane({ clientX, clientY }: { readonly clientX: number; readonly clientY: number }): Point {
    const boxes = [...panes.current!.children].map(pane => pane.getBoundingClientRect());
    const box =
      boxes.find(
        ({ left, right, top, bottom }) => clientX >= left && clientX < right && clientY >= top && clientY < bottom,
      ) ?? boxes[0]!;
    return { x: clientX - box.left, y: clientY - box.top };
  }
}
