import type { JSX } from 'preact';
import type { Place } from './pictures.ts';
import { strings } from './strings.ts';

interface Props {
  readonly place: Place;
  readonly onChange: (place: Place) => void;
  /** Without what it means, where that was read before. */
  readonly isCompact?: boolean;
}

/** Where pictures that are given from now on are looked at. */
export function PlaceSwitch({ place, onChange, isCompact = false }: Props): JSX.Element {
  const { place: words } = strings;
  const choices: readonly { value: Place; title: string; means: string }[] = [
    { value: 'server', title: words.server, means: words.serverMeans(location.host) },
    { value: 'browser', title: words.browser, means: words.browserMeans },
  ];
  return (
    <fieldset class={isCompact ? 'segments' : 'places'}>
      <legend class={isCompact ? 'unseen' : ''}>{words.legend}</legend>
      {choices.map(({ value, title, means }) => (
        <label key={value} title={isCompact ? means : undefined}>
          <input
            type="radio"
            name="place"
            class="unseen"
            checked={place === value}
            aria-describedby={`means-${value}`}
            onChange={() => onChange(value)}
          />
          <span class="choice">
            <strong>{title}</strong>
            <span id={`means-${value}`} class={isCompact ? 'unseen' : 'means'}>
              {means}
            </span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
