/**
 * Fills what is unknown smoothly from what is known: pull-push. Known pixels are averaged into ever smaller pictures
 * until none is unknown, and on the way back each level's gaps are interpolated from the smaller one.
 *
 * Gortler et al. 1996, The Lumigraph, section 3.4.
 *
 * @param values - [H, W, channels]; what is unknown is overwritten
 * @param known - [H · W], the weight of each pixel: above 0 known, 0 unknown
 */
export function smoothFill(
  values: Float32Array,
  known: Float32Array,
  width: number,
  height: number,
  channels: number,
): void {
  if (known.every(weight => weight > 0) || (width === 1 && height === 1)) return;
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  const half = new Float32Array(halfWidth * halfHeight * channels);
  const halfKnown = new Float32Array(halfWidth * halfHeight);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const weight = known[i]!;
      if (weight === 0) continue;
      const to = (y >> 1) * halfWidth + (x >> 1);
      halfKnown[to]! += weight;
      for (let c = 0; c < channels; c++) half[to * channels + c]! += weight * values[i * channels + c]!;
    }
  for (let i = 0; i < halfKnown.length; i++) {
    const weight = halfKnown[i]!;
    if (weight === 0) continue;
    for (let c = 0; c < channels; c++) half[i * channels + c]! /= weight;
    halfKnown[i] = Math.min(1, weight);
  }
  smoothFill(half, halfKnown, halfWidth, halfHeight, channels);

  for (let y = 0, i = 0; y < height; y++) {
    const rowPosition = Math.min(Math.max((y - 0.5) / 2, 0), halfHeight - 1);
    const row = Math.floor(rowPosition);
    const below = Math.min(row + 1, halfHeight - 1);
    const v = rowPosition - row;
    for (let x = 0; x < width; x++, i++) {
      if (known[i]! > 0) continue;
      const columnPosition = Math.min(Math.max((x - 0.5) / 2, 0), halfWidth - 1);
      const column = Math.floor(columnPosition);
      const right = Math.min(column + 1, halfWidth - 1);
      const u = columnPosition - column;
      const [aboveLeft, aboveRight] = [(row * halfWidth + column) * channels, (row * halfWidth + right) * channels];
      const [belowLeft, belowRight] = [(below * halfWidth + column) * channels, (below * halfWidth + right) * channels];
      for (let c = 0; c < channels; c++)
        values[i * channels + c] =
          (1 - v) * ((1 - u) * half[aboveLeft + c]! + u * half[aboveRight + c]!) +
          v * ((1 - u) * half[belowLeft + c]! + u * half[belowRight + c]!);
    }
  }
}
