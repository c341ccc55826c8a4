import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import { decimals, percent } from './format.ts';
import { CloseIcon } from './icons.tsx';
import type { Item } from './pictures.ts';
import { ProgressLine } from './progress.tsx';
import { strings } from './strings.ts';
import { Thumbnail } from './thumbnail.tsx';
import { TroubleNotice } from './trouble.tsx';
import { UrlForm } from './url-form.tsx';

interface Props {
  readonly items: readonly Item[];
  readonly onOpen: (id: number) => void;
  readonly onRemove: (id: number) => void;
  readonly onRetry: (apiKey: string | null) => void;
  /** Takes the address of a picture; null where nobody would fetch it. */
  readonly onUrl: ((url: URL) => void) | null;
}

type ColumnId = 'name' | 'state' | 'score' | 'area' | 'regions' | 'notable';

/** What a column is sorted by; null comes last in any order. */
const keys: Readonly<Record<ColumnId, (item: Item) => string | number | null>> = {
  name: ({ name }) => name.toLowerCase(),
  state: ({ state }) => ['running', 'waiting', 'failed', 'done'].indexOf(state.kind),
  score: item => findingsOf(item)?.analysis.score.value ?? null,
  area: item => findingsOf(item)?.analysis.areaFraction ?? null,
  regions: item => findingsOf(item)?.analysis.regions.length ?? null,
  notable: item => countNotable(item),
};

const findingsOf = ({ state }: Item): Findings | null => (state.kind === 'done' ? state.findings : null);
const countNotable = (item: Item): number | null =>
  findingsOf(item)?.analysis.evidence?.filter(({ outcome }) => outcome === 'notable').length ?? null;

interface Order {
  readonly by: ColumnId;
  readonly descending: boolean;
}

/** The items in an order; equal ones stay as they were given. */
export const sortItems = (items: readonly Item[], { by, descending }: Order): readonly Item[] =>
  [...items].sort((a, b) => {
    const [x, y] = [keys[by](a), keys[by](b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
  });

/** All pictures in a table. */
export function Batch({ items, onOpen, onRemove, onRetry, onUrl }: Props): JSX.Element {
  const [order, setOrder] = useState<Order | null>(null);
  const { batch: words } = strings;
  const left = items.filter(({ state }) => state.kind === 'waiting' || state.kind === 'running').length;
  const locked = items.find(({ state }) => state.kind === 'failed' && state.trouble.needsKey);
  const columns: readonly { id: ColumnId; title: string; isNumber: boolean }[] = [
    { id: 'name', title: words.name, isNumber: false },
    { id: 'state', title: words.state, isNumber: false },
    { id: 'score', title: words.score, isNumber: true },
    { id: 'area', title: words.area, isNumber: true },
    { id: 'regions', title: words.regions, isNumber: true },
    { id: 'notable', title: words.notable, isNumber: true },
  ];
  const sortBy = (by: ColumnId, isNumber: boolean) =>
    // Numbers are wanted from the highest on, names from A.
    setOrder(order?.by === by ? { by, descending: !order.descending } : { by, descending: isNumber });

  return (
    <div class="batch">
      <div class="batch-head">
        <h1>{words.heading(items.length)}</h1>
        <p class="faint" role="status">
          {words.left(left)}
        </p>
        <button type="button" class="button" onClick={() => items.forEach(({ id }) => onRemove(id))}>
          {words.clear}
        </button>
      </div>
      {locked?.state.kind === 'failed' && <TroubleNotice trouble={locked.state.trouble} onRetry={onRetry} />}
      {onUrl && <UrlForm onUrl={onUrl} />}
      <table class="pictures">
        <caption class="unseen">{words.caption}</caption>
        <thead>
          <tr>
            {columns.map(({ id, title, isNumber }) => (
              <th
                key={id}
                scope="col"
                class={`${id} ${isNumber ? 'number' : ''}`}
                aria-sort={order?.by === id ? (order.descending ? 'descending' : 'ascending') : undefined}
              >
                <button type="button" onClick={() => sortBy(id, isNumber)}>
                  {title}
                  <span aria-hidden="true" class="arrow">
                    {order?.by === id ? (order.descending ? '↓' : '↑') : ''}
                  </span>
                </button>
              </th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {(order ? sortItems(items, order) : items).map(item => (
            <Row key={item.id} item={item} onOpen={onOpen} onRemove={onRemove} />
          ))}
        </tbody>
      </table>
      <p class="faint">{words.note}</p>
    </div>
  );
}

function Row({ item, onOpen, onRemove }: Pick<Props, 'onOpen' | 'onRemove'> & { readonly item: Item }): JSX.Element {
  const { id, name, given, state } = item;
  const { batch: words } = strings;
  const analysis = findingsOf(item)?.analysis;
  const notable = countNotable(item);
  return (
    // The name is the button; clicking elsewhere in the row is a convenience of the mouse.
    <tr class={state.kind} onClick={() => onOpen(id)}>
      <th scope="row" class="name">
        <button
          type="button"
          class="name-button"
          onClick={event => {
            event.stopPropagation();
            onOpen(id);
          }}
        >
          <Thumbnail given={given} />
          <span>{name}</span>
        </button>
      </th>
      <td class="state">
        {state.kind === 'running' ? (
          <ProgressLine {...state} />
        ) : state.kind === 'failed' ? (
          <span class="failed" title={state.trouble.detail}>
            {state.trouble.title}
          </span>
        ) : state.kind === 'done' && state.findings.analysis.score.finding ? (
          strings.result.findings[state.findings.analysis.score.finding].title
        ) : (
          words.states[state.kind]
        )}
      </td>
      <td class="score number" data-label={words.score}>
        {analysis && (
          <>
            <span class="bar" aria-hidden="true">
              <i style={{ width: `${100 * analysis.score.value}%` }} />
            </span>
            {decimals(analysis.score.value)}
          </>
        )}
      </td>
      <td class="area number" data-label={words.area}>
        {analysis && percent(analysis.areaFraction)}
      </td>
      <td class="regions number" data-label={words.regions}>
        {analysis?.regions.length}
      </td>
      <td class="notable number" data-label={words.notable}>
        {notable}
      </td>
      <td class="remove">
        <button
          type="button"
          class="button plain"
          aria-label={words.remove(name)}
          onClick={event => {
            event.stopPropagation();
            onRemove(id);
          }}
        >
          <CloseIcon />
        </button>
      </td>
    </tr>
  );
}
