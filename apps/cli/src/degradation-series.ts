import { UsageError } from '@forgelens/autograd';
import { degradationPresets, degradations, formatDegradations, parseDegradations } from '@forgelens/imaging';
import { nearest } from '@forgelens/localize';
import type { Level, Series } from '@forgelens/report';

const presets: Readonly<Record<string, { readonly series: readonly Series[] }>> = degradationPresets;

/**
 * The degradations that a text names: a preset (`imdlbenco`), or chains with commas between them
 * (`jpeg_quality=90,jpeg_quality=70,resize_scale=0.5+jpeg_quality=75`), gathered into curves by their names.
 *
 * @throws {UsageError} when it is neither
 */
export function parseSeries(text: string): readonly Series[] {
  const preset = presets[text.trim()];
  if (preset) return preset.series;
  if (!text.includes('=')) {
    const names = Object.keys(presets);
    const meant = nearest(text.trim(), names);
    const hint = meant === null ? '' : `; did you mean "${meant}"?`;
    throw new UsageError(
      `unknown degradations "${text}"${hint} (presets: ${names.join(', ')}; or <name>=<number>,… with the names ${Object.keys(degradations).join(', ')})`,
    );
  }
  const series = new Map<string, Level[]>();
  for (const part of text.split(',')) {
    const chain = parseDegradations(part);
    const [only, ...more] = chain;
    // One after the other, they make no curve.
    const [name, value] = only && more.length === 0 ? [only.name, only.value] : ['chain', formatDegradations(chain)];
    series.set(name, [...(series.get(name) ?? []), { value, chain }]);
  }
  return Array.from(series, ([name, levels]) => ({ name, levels }));
}
