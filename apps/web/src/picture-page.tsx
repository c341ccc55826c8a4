import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import { Downloads } from './downloads.tsx';
import { FileDetails } from './file-details.tsx';
import { BackIcon, CloseIcon, ForwardIcon } from './icons.tsx';
import type { Item, Place } from './pictures.ts';
import type { FloatMap } from './paint.ts';
import { decodeMap } from './png.ts';
import { ProgressLine } from './progress.tsx';
import { Result } from './result.tsx';
import { strings } from './strings.ts';
import { TroubleNotice } from './trouble.tsx';

interface Props {
  readonly item: Item;
  readonly items: readonly Item[];
  readonly onOpen: (id: number | null) => void;
  readonly onRetry: (apiKey: string | null) => void;
  readonly onRemove: (id: number) => void;
}

/** One picture: what is being done with it, what went wrong, or what was found. Nothing in here outlives the picture. */
export function PicturePage({ item, items, onOpen, onRetry, onRemove }: Props): JSX.Element {
  const { name, given, state } = item;
  const { batch: words } = strings;
  const index = items.findIndex(({ id }) => id === item.id);
  const step = (by: number) => items[index + by];
  const shown = usePicture(item);
  const analysis = state.kind === 'done' ? state.findings.analysis : null;
  const size = given instanceof File ? given.size : analysis?.input.bytes;
  const format = analysis && (strings.format[analysis.input.format] ?? analysis.input.format);
  return (
    <article class="picture-page">
      <div class="bar-top">
        {items.length > 1 && (
          <button type="button" class="button" onClick={() => onOpen(null)}>
            <BackIcon />
            <span>{words.all}</span>
          </button>
        )}
        <div class="bar-title">
          <h1>{name}</h1>
          <p class="faint">
            {[
              analysis && strings.size(analysis.input.width, analysis.input.height),
              format,
              size && strings.bytes(size),
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
        <div class="bar-end">
          {items.length > 1 && (
            <>
              <span class="faint number">{words.position(index + 1, items.length)}</span>
              <button
                type="button"
                class="button plain"
                aria-label={words.previous}
                disabled={index === 0}
                onClick={() => onOpen(step(-1)!.id)}
              >
                <BackIcon />
              </button>
              <button
                type="button"
                class="button plain"
                aria-label={words.next}
                disabled={index === items.length - 1}
                onClick={() => onOpen(step(1)!.id)}
              >
                <ForwardIcon />
              </button>
            </>
          )}
          <button
            type="button"
            class="button plain"
            aria-label={words.remove(name)}
            title={words.remove(name)}
            onClick={() => onRemove(item.id)}
          >
            <CloseIcon />
          </button>
        </div>
      </div>
      {state.kind === 'done' ? (
        shown.map instanceof Error ? (
          <NoMap findings={state.findings} reason={shown.map} place={item.place} />
        ) : (
          shown.map && <Result findings={state.findings} map={shown.map} picture={shown.picture} item={item} />
        )
      ) : (
        <div class="pending">
          {shown.picture && <Preview picture={shown.picture} name={name} />}
          {state.kind === 'failed' ? (
            <TroubleNotice trouble={state.trouble} onRetry={onRetry} />
          ) : state.kind === 'running' ? (
            <ProgressLine {...state} />
          ) : (
            <p role="status">{strings.progress.waiting}</p>
          )}
        </div>
      )}
    </article>
  );
}

interface Shown {
  /** What stands for the picture itself; null where nothing can. */
  readonly picture: ImageBitmap | null;
  /** Null until it is there; why it cannot be shown. */
  readonly map: FloatMap | Error | null;
}

/** What was found where its map cannot be read, which may be for want of memory: all that needs no map. */
const NoMap = ({ findings, reason, place }: NoMapProps): JSX.Element => (
  <div class="result">
    <div class="notice trouble" role="alert">
      <p>
        <strong>{strings.noMap.title}</strong>
      </p>
      <p>{strings.noMap.detail(reason.message)}</p>
    </div>
    <div class="details">
      <Downloads findings={findings} map={null} threshold={findings.analysis.protocol.threshold} />
      <FileDetails analysis={findings.analysis} place={place} />
    </div>
  </div>
);

interface NoMapProps {
  readonly findings: Findings;
  readonly reason: Error;
  readonly place: Place;
}

/** The picture as this browser decodes it, and once it is there the map. */
function usePicture({ given, state }: Item): Shown {
  const [picture, setPicture] = useState<ImageBitmap | null>(null);
  const [map, setMap] = useState<Shown['map']>(null);
  const findings = state.kind === 'done' ? state.findings : null;
  useEffect(() => (given instanceof File ? onceLoaded(createImageBitmap(given), setPicture) : undefined), [given]);
  useEffect(() => (findings ? onceLoaded(loadMap(findings), setMap, setMap) : undefined), [findings]);
  return { picture, map };
}

const loadMap = async ({ analysis, files }: Findings): Promise<FloatMap> => {
  const { file } = analysis.maps.map;
  return decodeMap(new Uint8Array(await files.get(file)!.arrayBuffer()), file);
};

/** Hands on what is loaded, or why it cannot be, unless it is no longer wanted. */
function onceLoaded<T>(loading: Promise<T>, take: (loaded: T) => void, fail?: (reason: Error) => void): () => void {
  let isWanted = true;
  loading.then(
    loaded => {
      if (isWanted) take(loaded);
    },
    (reason: Error) => {
      if (isWanted) fail?.(reason);
    },
  );
  return () => {
    isWanted = false;
  };
}

const Preview = ({ picture, name }: { readonly picture: ImageBitmap; readonly name: string }): JSX.Element => (
  <canvas
    class="preview"
    role="img"
    aria-label={name}
    ref={canvas => {
      if (!canvas) return;
      canvas.width = picture.width;
      canvas.height = picture.height;
      canvas.getContext('2d')!.drawImage(picture, 0, 0);
    }}
  />
);
