import type { Analysis } from '@forgelens/analysis';
import type { ComponentChildren, JSX } from 'preact';
import type { Place } from './pictures.ts';
import { strings } from './strings.ts';

interface Props {
  readonly analysis: Analysis;
  readonly place: Place;
}

/** What the result is of, and what made it. */
export function FileDetails({ analysis, place }: Props): JSX.Element {
  const { input, model, preprocessing, software, licences, timing, limitations } = analysis;
  const { stored, orientation } = input;
  const { tiles, scale } = preprocessing;
  const { file: words } = strings;
  const when = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }).format(
    new Date(timing.startedAt),
  );
  const seen = tiles
    ? words.tiles(tiles.columns, tiles.rows, tiles.size)
    : scale[0] === 1 && scale[1] === 1
      ? words.whole
      : words.resized(...scale);
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    [words.sha256, <code>{input.sha256}</code>],
    [words.size, `${strings.size(stored.width, stored.height)}, ${strings.bytes(input.bytes)}`],
    [words.stored, words.storedAs(stored.channels, stored.bitDepth, stored.colourSpace, orientation, stored.frames)],
    [words.decoder, input.decoder],
    [words.model, words.modelIs(model.name, model.id, model.version)],
    [words.weights, <code>{model.weightsSha256}</code>],
    [words.licence, licences.weights],
    [words.seen, seen],
    [
      words.software,
      `${software.name} ${software.version} (${licences.software}), ${Object.entries(software.runsOn)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}`,
    ],
    [words.time, words.took(when, timing.totalMs, words.placed[place])],
  ];
  return (
    <>
      <section class="limits">
        <h2>{words.limits}</h2>
        <p class="faint">{words.limitsNote}</p>
        <ul>
          {limitations.map(limitation => (
            <li key={limitation}>{limitation}</li>
          ))}
        </ul>
      </section>
      <section class="file">
        <h2>{words.heading}</h2>
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
