/** Numbers and sizes as the page writes them. */

const numbers = new Intl.NumberFormat('en');

export const whole = (value: number): string => numbers.format(Math.round(value));

export const decimals = (value: number, digits = 2): string => value.toFixed(digits);

export const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)} %`;

/** `3.4 MB`, in the units of the server's limits: thousands. */
export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${whole(bytes / 1000)} kB` : `${decimals(bytes / 1e6, 1)} MB`;
}

/** `2.4 s`, `1 min 12 s`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${decimals(seconds, 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds) % 60} s`;
}
