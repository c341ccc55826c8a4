/** HTML that needs no more escaping. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: text is escaped, HTML is not, lists are joined, and null is nothing. */
type Content = string | number | Html | null | readonly Content[];

/**
 * HTML as a template.
 * @example
 * html`<p>${'1 < 2'}</p>`.text; // <p>1 &lt; 2</p>
 */
export const html = (strings: TemplateStringsArray, ...contents: readonly Content[]): Html =>
  new Html(String.raw({ raw: strings }, ...contents.map(toText)));

function toText(content: Content): string {
  if (content === null) return '';
  if (content instanceof Html) return content.text;
  if (typeof content === 'object') return content.map(toText).join('');
  return String(content).replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  /** Numbers stand at the right, in figures of one width. */
  readonly isNumber?: boolean;
}

/** A table whose first column names the rows. It scrolls by itself where it is wider than the page. */
export function table<Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const kind = (column: Column<Row>) => (column.isNumber ? 'number' : 'text');
  const [name, ...others] = columns;
  return html`<div class="table" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        <span>${caption}</span>
      </caption>
      <thead>
        <tr>
          ${columns.map(column => html`<th scope="col" class="${kind(column)}">${column.title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          row =>
            html`<tr>
              <th scope="row">${name!.cell(row)}</th>
              ${others.map(column => html`<td class="${kind(column)}">${column.cell(row)}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A part of a page with its heading; nothing where it has no content. */
export const section = (title: string, ...contents: readonly (Html | null)[]): Html | null =>
  contents.every(content => content === null)
    ? null
    : html`<section>
        <h2>${title}</h2>
        ${contents}
      </section>`;

/** Pairs of a name and what it is. */
export const definitions = (pairs: readonly (readonly [name: string, value: Content])[]): Html =>
  html`<dl>
    ${pairs.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

/** A number to be read first, with how it was taken beneath. */
export const figureOf = (name: string, value: string, note: Content): Html =>
  html`<div class="figure">
    <div class="name">${name}</div>
    <div class="value">${value}</div>
    <div class="note">${note}</div>
  </div>`;
