import type { Interval } from '@forgelens/metrics';

/** A value with three decimals; an en dash where it is undefined. */
export const decimals = (value: number | null, digits = 3): string =>
  value === null
    ? '–'
    : value
        .toFixed(digits)
        .replace(/^-(0\.0+)$/, '$1')
        .replace('-', '−');

/** A difference with its sign, written as the values are that it is between. */
export const signed = (difference: number | null, write: (value: number | null) => string = decimals): string =>
  difference !== null && difference > 0 ? `+${write(difference)}` : write(difference);

/** `0.123 to 0.456`; nothing where there is none. */
export const range = (interval: Interval | null, write: (value: number) => string = decimals): string =>
  interval === null ? '' : `${write(interval.low)} to ${write(interval.high)}`;

export const percent = (fraction: number | null): string =>
  fraction === null ? '–' : `${decimals(100 * fraction, 1)} %`;

/** `3 images`, `1 image`. */
export const count = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;

/** Rows as CSV (RFC 4180): the names of the first row's fields, then one line for each row. Undefined is empty. */
export function toCsv(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const field = (value: string | number | null | undefined) => {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map(row => names.map(name => row[name]))]
    .map(fields => `${fields.map(field).join(',')}\r\n`)
    .join('');
}
