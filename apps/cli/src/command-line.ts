/** Options of every command, which change no result. */
const unsaid = new Set(['quiet', 'color', 'json']);

type Value = string | number | boolean | readonly string[] | undefined;

/**
 * The line that a command was given with, as far as it matters to its results: for reports, so that they can be made
 * again.
 */
export function describeCommand(name: string, options: object, args: readonly string[] = []): string {
  const said = Object.entries(options).flatMap(([option, value]: [string, Value]) => {
    if (unsaid.has(option) || value === undefined || value === false) return [];
    const flag = `--${option.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [flag];
    return [flag, quote(Array.isArray(value) ? value.join(',') : String(value))];
  });
  return ['forgelens', name, ...args.map(quote), ...said].join(' ');
}

/** As a shell reads it. */
const quote = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
