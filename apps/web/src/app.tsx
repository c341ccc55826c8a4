import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Analyst } from './analyst.ts';
import { Batch } from './batch.tsx';
import { DropTarget, FileButton } from './files.tsx';
import { MoonIcon, PlusIcon, SunIcon } from './icons.tsx';
import type { Given, Item, Place } from './pictures.ts';
import { Pictures } from './pictures.ts';
import { PlaceSwitch } from './place.tsx';
import { PicturePage } from './picture-page.tsx';
import { createServerAnalyst, fetchesUrls } from './server-analyst.ts';
import { Start } from './start.tsx';
import { strings } from './strings.ts';
import { useTheme } from './theme.ts';

/** The page: the start, the table of what was given, or one picture. */
export function App(): JSX.Element {
  const { pictures, setKey } = usePictures();
  const [place, setPlace] = useState<Place>('server');
  const [openId, open] = useOpenPicture();
  const { items } = pictures;
  const opened = items.find(({ id }) => id === openId) ?? null;

  const add = (given: readonly Given[]) => {
    const added = pictures.add(given, place);
    // The first picture is what one came for; several are a table.
    if (added.length === 1) open(added[0]!.id);
    else open(null);
  };
  const remove = (id: number) => {
    pictures.remove(id);
    if (id === openId) open(null);
  };
  const retry = (apiKey: string | null) => {
    if (apiKey !== null) setKey(apiKey);
    pictures.retry(failed(items, apiKey !== null ? null : openId));
  };
  useTitle(opened);
  // Only the server fetches: this browser would have to be let by the other site.
  const onUrl = useFetchesUrls() && place === 'server' ? (url: URL) => add([url]) : null;

  return (
    <DropTarget onFiles={add}>
      <a class="skip" href="#main">
        {strings.skip}
      </a>
      <header class="top">
        <a class="brand" href="#">
          <Mark />
          {strings.title}
        </a>
        {items.length > 0 && <PlaceSwitch place={place} onChange={setPlace} isCompact />}
        <div class="top-end">
          {items.length > 0 && (
            <FileButton onFiles={add} class="button">
              <PlusIcon />
              <span>{strings.start.more}</span>
            </FileButton>
          )}
          <ThemeButton />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {items.length === 0 ? (
          <Start place={place} onPlace={setPlace} onFiles={add} onUrl={onUrl} />
        ) : opened ? (
          <PicturePage key={opened.id} item={opened} items={items} onOpen={open} onRetry={retry} onRemove={remove} />
        ) : (
          <Batch items={items} onOpen={open} onRemove={remove} onRetry={retry} onUrl={onUrl} />
        )}
      </main>
      <footer class="foot">
        <a href="third-party.txt">{strings.footer.thirdParty}</a>
      </footer>
    </DropTarget>
  );
}

/** What failed: one picture, or all that want a key. */
const failed = (items: readonly Item[], only: number | null): number[] =>
  items
    .filter(({ id, state }) => state.kind === 'failed' && (only === null ? state.trouble.needsKey : id === only))
    .map(({ id }) => id);

function usePictures(): { readonly pictures: Pictures; readonly setKey: (key: string) => void } {
  const [, redraw] = useState(0);
  return useMemo(() => {
    let key: string | null = null;
    const server = createServerAnalyst(() => key);
    let browser: Promise<Analyst> | null = null;
    const analystOf = async (place: Place) => (place === 'server' ? server : (browser ??= openBrowserAnalyst()));
    return {
      pictures: new Pictures(analystOf, () => redraw(n => n + 1)),
      setKey(given: string) {
        key = given;
      },
    };
  }, []);
}

/** Whether the server takes addresses; not until it has said so. */
function useFetchesUrls(): boolean {
  const [isSo, setSo] = useState(false);
  useEffect(() => void fetchesUrls().then(setSo), []);
  return isSo;
}

/** Loaded when it is first asked for: whoever stays with the server does not wait for it. */
const openBrowserAnalyst = async (): Promise<Analyst> => (await import('./browser-analyst.ts')).createBrowserAnalyst();

const prefix = '#picture-';

/** The picture that the address names, so that the browser's way back leads back. */
function useOpenPicture(): [number | null, (id: number | null) => void] {
  const read = () => (location.hash.startsWith(prefix) ? Number(location.hash.slice(prefix.length)) : null);
  const [openId, setOpenId] = useState(read);
  useEffect(() => {
    const follow = () => {
      setOpenId(read());
      scrollTo(0, 0);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const open = (id: number | null) => {
    location.hash = id === null ? '' : `${prefix}${id}`;
    setOpenId(id);
  };
  return [openId, open];
}

function useTitle(opened: Item | null): void {
  const title = opened ? `${opened.name} – ${strings.title}` : `${strings.title}: ${strings.tagline}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function ThemeButton(): JSX.Element {
  const [isDark, setDark] = useTheme();
  const label = isDark ? strings.theme.toLight : strings.theme.toDark;
  return (
    <button type="button" class="button plain" aria-label={label} title={label} onClick={() => setDark(!isDark)}>
      {isDark ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}

/** A picture with a part that does not belong. */
const Mark = (): JSX.Element => (
  <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
    <rect x="1.5" y="1.5" width="21" height="21" rx="5" />
    <path d="M8 16.5 15.5 6l2 9z" />
  </svg>
);
