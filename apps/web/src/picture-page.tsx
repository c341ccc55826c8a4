import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import { BackIcon, CloseIcon, ForwardIcon } from './icons.tsx';
import type { Item } from './pictures.ts';
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
  const { file, state } = item;
  const { batch: words } = strings;
  const index = items.findIndex(({ id }) => id === item.id);
  const step = (by: number) => items[index + by];
  const shown = usePicture(item);
  const analysis = state.kind === 'done' ? state.findings.analysis : null;
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
          <h1>{file.name}</h1>
          <p class="faint">
            {[analysis && strings.size(analysis.input.width, analysis.input.height), format, strings.bytes(file.size)]
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
            aria-label={words.remove(file.name)}
            title={words.remove(file.name)}
            onClick={() => onRemove(item.id)}
          >
            <CloseIcon />
          </button>
        </div>
      </div>
      {state.kind === 'done' ? (
        shown.map && <Result findings={state.findings} map={shown.map} picture={shown.picture} item={item} />
      ) : (
        <div class="pending">
          {shown.picture && <Preview picture={shown.picture} name={file.name} />}
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
  readonly map: FloatMap | null;
}

/** The picture as this browser decodes it, and once it is there the map. */
function usePicture({ file, state }: Item): Shown {
  const [picture, setPicture] = useState<ImageBitmap | null>(null);
  const [map, setMap] = useState<FloatMap | null>(null);
  const findings = state.kind === 'done' ? state.findings : null;
  useEffect(() => onceLoaded(createImageBitmap(file), setPicture), [file]);
  useEffect(() => (findings ? onceLoaded(loadMap(findings), setMap) : undefined), [findings]);
  return { picture, map };
}

const loadMap = async ({ analysis, files }: Findings): Promise<FloatMap> => {
  const { file } = analysis.maps.map;
  return decodeMap(new Uint8Array(await files.get(file)!.arrayBuffer()), file);
};

/** Hands on what is loaded unless it is no longer wanted; what cannot be loaded is left out. */
function onceLoaded<T>(loading: Promise<T>, take: (loaded: T) => void): () => void {
  let isWanted = true;
  loading.then(
    loaded => {
      if (isWanted) take(loaded);
    },
    () => {},
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
