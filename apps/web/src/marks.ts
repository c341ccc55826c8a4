import type { Analysis, EvidenceResult } from '@forgelens/analysis';

type Region = Analysis['regions'][number];

/** What is drawn on a pane beside its map, in pixels of the picture. */
export interface Marks {
  readonly regions: readonly Region[];
  /** The index of the region that is looked at; null for none. */
  readonly selected: number | null;
  readonly evidence: EvidenceResult | null;
}

/** Blue and yellow of Okabe and Ito (2008), which colour-blind readers tell apart, https://jfly.uni-koeln.de/color/. */
const [blue, yellow] = ['#56b4e9', '#f0e442'];

/** So many regions have their number drawn. */
export const listedRegions = 20;

/**
 * Draws marks on a canvas whose transform takes pixels of the picture to pixels of the canvas.
 * @param unit - a CSS pixel, in pixels of the picture
 */
export function drawMarks(
  canvas: CanvasRenderingContext2D,
  { regions, selected, evidence }: Marks,
  unit: number,
): void {
  const stroke = (path: Path2D, colour: string, width: number) => {
    for (const [style, more] of [
      ['rgb(0 0 0 / 70%)', 2],
      [colour, 0],
    ] as const) {
      canvas.strokeStyle = style;
      canvas.lineWidth = (width + more) * unit;
      canvas.stroke(path);
    }
  };

  for (const box of evidence?.boxes ?? []) stroke(rectangle(box), blue, 2);
  for (const { a, b, matches } of evidence?.pairs ?? []) {
    const lines = new Path2D();
    for (const [from, to] of matches.slice(0, 60)) {
      lines.moveTo(from.x, from.y);
      lines.lineTo(to.x, to.y);
    }
    canvas.globalAlpha = 0.6;
    stroke(lines, '#ffffff', 1);
    canvas.globalAlpha = 1;
    stroke(rectangle(a), blue, 2);
    stroke(rectangle(b), yellow, 2);
  }

  const region = selected === null ? undefined : regions[selected];
  if (region) {
    const path = new Path2D();
    for (const [x, y] of region.polygon) path.lineTo(x, y);
    path.closePath();
    stroke(path, blue, 3);
  }
  for (const [i, { bbox }] of regions.slice(0, listedRegions).entries()) {
    const [x, y, width] = bbox;
    drawBadge(canvas, String(i + 1), x + width / 2, y, unit, i === selected);
  }
}

function rectangle({ left, top, width, height }: EvidenceResult['boxes'][number]): Path2D {
  const path = new Path2D();
  path.rect(left, top, width, height);
  return path;
}

function drawBadge(
  canvas: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  unit: number,
  isSelected: boolean,
): void {
  canvas.beginPath();
  canvas.arc(x, y, 11 * unit, 0, 2 * Math.PI);
  canvas.fillStyle = isSelected ? blue : '#14171b';
  canvas.fill();
  canvas.strokeStyle = '#ffffff';
  canvas.lineWidth = 1.5 * unit;
  canvas.stroke();
  canvas.fillStyle = isSelected ? '#0b0d10' : '#ffffff';
  canvas.font = `600 ${13 * unit}px Inter Variable, system-ui, sans-serif`;
  canvas.textAlign = 'center';
  canvas.textBaseline = 'middle';
  canvas.fillText(text, x, y + 0.5 * unit);
}
