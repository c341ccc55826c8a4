/** A table in Markdown; nothing where there are no rows. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0 ? '' : [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');

/** A number in a table, to three decimals. */
export const decimals = (value: number | null): string => (value === null ? 'n/a' : value.toFixed(3));

/** A share in a table, in percent. */
export const percent = (share: number | null): string => (share === null ? 'n/a' : `${(100 * share).toFixed(1)} %`);
