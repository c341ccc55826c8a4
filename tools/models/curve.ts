import type { MetricsRecord } from '@forgelens/train';

const [width, height] = [720, 360];
const [left, right, top, bottom] = [64, 56, 24, 48];
const lossColour = '#0b62a8';
const f1Colour = '#b8500b';

/** The learning curve as an SVG picture: the loss by step (left axis), and the validation F1 (right axis, 0 to 1). */
export function curveSvg(records: readonly MetricsRecord[]): string {
  const losses = smooth(
    records.flatMap(record => (record.kind === 'step' ? [[record.step, record.loss] as const] : [])),
  );
  const scores = records.flatMap(record =>
    record.kind === 'validation' && record.f1 !== null ? [[record.step, record.f1] as const] : [],
  );
  const lastStep = Math.max(1, ...records.slice(-2).map(record => record.step));
  const highest = niceAbove(losses.reduce((most, [, loss]) => Math.max(most, loss), 0));
  const x = (step: number) => left + ((width - left - right) * step) / lastStep;
  const y = (fraction: number) => height - bottom - (height - top - bottom) * Math.min(1, Math.max(0, fraction));
  const line = (points: readonly (readonly [number, number])[], most: number, colour: string) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.map(([step, value]) => `${x(step).toFixed(1)},${y(value / most).toFixed(1)}`).join(' ')}"/>`;
  const text = (at: number, to: number, anchor: string, content: string, more = '') =>
    `<text x="${at}" y="${to}" text-anchor="${anchor}"${more}>${content}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap(part => [
    `<line x1="${left}" x2="${width - right}" y1="${y(part)}" y2="${y(part)}" stroke="#ddd"/>`,
    text(left - 6, y(part) + 4, 'end', short(highest * part), ` fill="${lossColour}"`),
    text(width - right + 6, y(part) + 4, 'start', part.toFixed(2), ` fill="${f1Colour}"`),
    text(x(lastStep * part), height - bottom + 18, 'middle', String(Math.round(lastStep * part))),
  ]);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="#fff"/>
${grid.join('\n')}
${text(left, 14, 'start', 'training loss (running mean)', ` fill="${lossColour}"`)}
${text(width - right, 14, 'end', 'validation F1 at 0.5, mean per tampered image', ` fill="${f1Colour}"`)}
${text((left + width - right) / 2, height - 10, 'middle', 'step')}
${line(losses, highest, lossColour)}
${line(scores, 1, f1Colour)}
${scores.map(([step, f1]) => `<circle cx="${x(step).toFixed(1)}" cy="${y(f1).toFixed(1)}" r="2.5" fill="${f1Colour}"/>`).join('\n')}
</svg>
`;
}

/** Means over windows, so that at most about 300 points are left. */
function smooth(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const window = Math.max(1, Math.ceil(points.length / 300));
  const means: [number, number][] = [];
  for (let i = 0; i < points.length; i += window) {
    const part = points.slice(i, i + window);
    means.push([part.at(-1)![0], part.reduce((sum, [, value]) => sum + value, 0) / part.length]);
  }
  return means;
}

/** The next number of 1, 2, 4, 10, 20, … above. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-6)));
  return [1, 2, 4, 10].map(factor => factor * power).find(nice => nice >= value) ?? value;
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
