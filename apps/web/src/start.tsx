import type { JSX } from 'preact';
import { FileButton } from './files.tsx';
import { PictureIcon } from './icons.tsx';
import type { Place } from './pictures.ts';
import { PlaceSwitch } from './place.tsx';
import { strings } from './strings.ts';
import { UrlForm } from './url-form.tsx';

interface Props {
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
  readonly onFiles: (files: readonly File[]) => void;
  /** Takes the address of a picture; null where nobody would fetch it. */
  readonly onUrl: ((url: URL) => void) | null;
}

/** What is seen before there is a picture. */
export function Start({ place, onPlace, onFiles, onUrl }: Props): JSX.Element {
  const { start } = strings;
  return (
    <div class="start">
      <h1>{start.heading}</h1>
      <p class="lead">{start.lead}</p>
      <div class="drop">
        <PictureIcon />
        <p class="drop-title">{start.drop}</p>
        <p>
          {start.orPaste}{' '}
          <FileButton onFiles={onFiles} class="button primary">
            {start.choose}
          </FileButton>
        </p>
        <p class="faint">{start.formats}</p>
      </div>
      {onUrl && <UrlForm onUrl={onUrl} />}
      <PlaceSwitch place={place} onChange={onPlace} />
      <ul class="tips">
        {start.tips.map(({ title, text }) => (
          <li key={title}>
            <strong>{title}</strong>
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
