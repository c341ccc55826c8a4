import type { Image } from '@forgelens/imaging/pixels';
import { bandsOf } from './bands.ts';
import type { Box, Finding } from './evidence.ts';
import { notApplicable } from './evidence.ts';
import { growRegions } from './grow-regions.ts';
import { luma, type Plane } from './planes.ts';
import type { EvidenceKind, Subject } from './subject.ts';

/** A pixel or cell that votes for no grid: several fit it equally well. */
const noVote = 255;
/** Cells of 8 × 8 px this far apart, in cells, are one region. */
const reach = 2;
/** At most so many false alarms are expected in a picture, of the kind that chance makes. */
const falseAlarms = 1e-3;

/**
 * Block-grid consistency: where the 8 × 8 blocks of JPEG begin. Of the 64 blocks over a pixel, the one with the most
 * DCT coefficients near 0 is taken for a block of compression: a vote for one of 64 grid origins, 0–7 px from the left
 * and from the top. The main grid is the one with the most votes, if chance does not make as many; a region of cells
 * of 8 × 8 px that vote for another grid is told if chance would seldom make it. Map: 1 in such regions.
 *
 * Nikoukhah, Anger, Colom, Morel and Grompone von Gioi 2021, "ZERO: a Local JPEG Grid Origin Detector Based on the
 * Number of DCT Zeros and its Applications in Image Forensics", https://www.ipol.im/pub/art/2021/390/. Unlike the paper:
 * regions are grown of cells in place of pixels, and areas without a grid are not looked for.
 */
export const blockGrid: EvidenceKind = {
  id: 'block-grid',
  title: 'Block-grid consistency',
  whatItShows:
    'JPEG divides a picture into blocks of 8 × 8 pixels that begin at its corner. Their faint borders tell where blocks of earlier savings began. Marked is what has another grid than the rest.',
  lookFor:
    'A marked region that fits an object: it came from another place or picture and brought its blocks along. A main grid that does not begin at the corner: the picture was cut after it had been saved as JPEG.',
  ignore:
    'Cutting a picture is not forging. Repeating patterns with a period of 8 pixels (bricks, blinds, screens) may be marked. A copy that happened to land on the grid (1 of 64), or a picture that was resized or saved at a low quality afterwards, shows nothing.',
  source: {
    text: 'Nikoukhah et al. 2021, ZERO: a Local JPEG Grid Origin Detector',
    url: 'https://www.ipol.im/pub/art/2021/390/',
  },
  find,
};

function find({ image }: Subject): Finding {
  const { width, height } = image;
  if (width < 32 || height < 32)
    return notApplicable(`The picture has ${width}×${height} px; blocks of 8×8 are looked for from 32×32 px on.`);
  const { counts, labels } = countVotes(image);
  const main = counts.indexOf(Math.max(...counts));
  const cells = (width * height) / 64;
  const isMain = Math.log10(64) + logChance(cells, counts[main]! / 64) < Math.log10(falseAlarms);

  if (isMain) for (const [cell, label] of labels.entries()) if (label === main) labels[cell] = noVote;
  const regions = foreignRegions(labels, width);
  const boxes = regions.map(({ box }) => box);
  const [columns, rows] = [Math.ceil(width / 8), Math.ceil(height / 8)];
  const values = new Float32Array(columns * rows);
  for (const { members } of regions) for (const cell of members) values[cell] = 1;

  const origin = (grid: number) => `(${grid % 8}, ${Math.floor(grid / 8)})`;
  const share = (100 * counts[main]!) / (width * height);
  const grid = isMain
    ? `The picture has an 8×8 grid that begins at ${origin(main)} px; ${share.toFixed(0)} % of its pixels vote for it.`
    : 'The picture has no 8×8 grid.';
  const told = regions.map(
    ({ label, box }) => `${box.width}×${box.height} px at (${box.left}, ${box.top}) with a grid at ${origin(label)}`,
  );
  const foreign =
    told.length === 0
      ? ''
      : ` ${isMain ? 'Another grid has' : 'A grid has'}: ${told.slice(0, 3).join('; ')}${told.length > 3 ? ` and ${told.length - 3} more` : ''}.`;
  const cut =
    isMain && main !== 0
      ? ' A grid that does not begin at the corner comes from cutting, or from a larger picture.'
      : '';
  return {
    outcome: regions.length > 0 || (isMain && main !== 0) ? 'notable' : 'quiet',
    summary: grid + cut + foreign,
    map: { width: columns, height: rows, values, zero: 'the main grid, or none', one: 'another grid than the rest' },
    boxes,
  };
}

interface Votes {
  /** How many pixels vote for each grid. */
  readonly counts: Float64Array;
  /** For each whole cell of 8 × 8 px the grid that most of its pixels vote for, or `noVote`. */
  readonly labels: Uint8Array;
}

function countVotes(image: Image): Votes {
  const { width, height } = image;
  const [columns, rows] = [Math.floor(width / 8), Math.floor(height / 8)];
  const counts = new Float64Array(64);
  const labels = new Uint8Array(columns * rows).fill(noVote);
  const inCell = new Uint8Array(256);
  for (const { image: part, from, top, bottom } of bandsOf(image)) {
    // A block over one of the band's rows has no row that the band does not see, and bands begin where blocks may.
    const votes = gridVotes(luma(part));
    for (const vote of votes.subarray((top - from) * width, (bottom - from) * width))
      if (vote !== noVote) counts[vote]!++;
    for (let row = top / 8; row < Math.min(rows, Math.ceil(bottom / 8)); row++)
      for (let column = 0; column < columns; column++) {
        inCell.fill(0);
        const first = (8 * row - from) * width + 8 * column;
        for (let y = 0; y < 8; y++)
          for (let x = 0; x < 8; x++) {
            const vote = votes[first + y * width + x]!;
            if (++inCell[vote]! > 32) labels[row * columns + column] = vote;
          }
      }
  }
  return { counts, labels };
}

/** cos(k·π/16) / 2, of which the DCT of 8 numbers is made. */
const c = (k: number) => Math.cos((k * Math.PI) / 16) / 2;
const [c1, c2, c3, c4, c5, c6, c7] = [c(1), c(2), c(3), c(4), c(5), c(6), c(7)];

/** For each pixel the grid 0–63 (8 · y + x of its origin) of the block over it with the most zeros, or `noVote`. */
export function gridVotes({ width, height, data }: Plane): Uint8Array {
  const votes = new Uint8Array(width * height).fill(noVote);
  const best = new Int8Array(width * height).fill(0);
  const across = width - 7;
  // Eight rows after their horizontal transform, [row modulo 8][x][frequency].
  const lines = new Float64Array(8 * across * 8);
  const flat = new Uint8Array(8 * across); // whether the 8 px from x on are all the same
  const column = new Float64Array(8);
  const out = new Float64Array(8);
  const input = new Float64Array(8);

  for (let row = 0; row < height; row++) {
    for (let x = 0; x < across; x++) {
      let same = 1;
      for (let i = 0; i < 8; i++) {
        input[i] = data[row * width + x + i]!;
        if (input[i] !== input[0]) same = 0;
      }
      transform(input, out);
      lines.set(out, ((row & 7) * across + x) * 8);
      flat[(row & 7) * across + x] = same;
    }
    const top = row - 7;
    if (top < 0) continue;
    for (let x = 0; x < across; x++) {
      // What is constant along an axis says nothing of the grid along it.
      let constantRows = true;
      for (let i = 0; i < 8; i++) if (flat[i * across + x] === 0) constantRows = false;
      if (constantRows) continue;
      let zeros = 0;
      let varies = false;
      for (let u = 0; u < 8; u++) {
        for (let i = 0; i < 8; i++) column[i] = lines[(((top + i) & 7) * across + x) * 8 + u]!;
        transform(column, out);
        for (let v = 0; v < 8; v++) {
          if (v > 0 && Math.abs(out[v]!) > 1e-3) varies = true;
          if (u + v > 0 && Math.abs(out[v]!) < 0.5) zeros++;
        }
      }
      if (!varies) continue;
      const grid = 8 * (top & 7) + (x & 7);
      for (let y = top; y <= row; y++)
        for (let i = y * width + x; i < y * width + x + 8; i++)
          if (zeros > best[i]!) {
            best[i] = zeros;
            votes[i] = grid;
          } else if (zeros === best[i]) votes[i] = noVote;
    }
  }
  return votes;
}

/** The orthonormal DCT of 8 numbers; sums and differences of mirror pairs halve the work. */
function transform(x: Float64Array, out: Float64Array): void {
  const s0 = x[0]! + x[7]!;
  const s1 = x[1]! + x[6]!;
  const s2 = x[2]! + x[5]!;
  const s3 = x[3]! + x[4]!;
  const d0 = x[0]! - x[7]!;
  const d1 = x[1]! - x[6]!;
  const d2 = x[2]! - x[5]!;
  const d3 = x[3]! - x[4]!;
  out[0] = (s0 + s1 + s2 + s3) * c4;
  out[4] = (s0 - s1 - s2 + s3) * c4;
  out[2] = (s0 - s3) * c2 + (s1 - s2) * c6;
  out[6] = (s0 - s3) * c6 - (s1 - s2) * c2;
  out[1] = d0 * c1 + d1 * c3 + d2 * c5 + d3 * c7;
  out[3] = d0 * c3 - d1 * c7 - d2 * c1 - d3 * c5;
  out[5] = d0 * c5 - d1 * c1 + d2 * c7 + d3 * c3;
  out[7] = d0 * c7 - d1 * c5 + d2 * c3 - d3 * c1;
}

interface Region {
  /** The grid that its cells vote for. */
  readonly label: number;
  readonly members: readonly number[];
  readonly box: Box;
}

/** Regions of cells of 8 × 8 px that have a common label, where chance would seldom make them. */
function foreignRegions(labels: Uint8Array, width: number): Region[] {
  const columns = Math.floor(width / 8);
  // Each grid in each rectangle of cells is one test.
  const tests = Math.log10(64) + 2 * Math.log10(labels.length);
  const stride = Math.ceil(width / 8);
  return growRegions(labels, columns, noVote, reach)
    .map(({ label, members, left, top, right, bottom }) => {
      const [wide, high] = [right - left + 1, bottom - top + 1];
      const log = tests + logChance(wide * high, members.length);
      const box = { left: 8 * left, top: 8 * top, width: 8 * wide, height: 8 * high };
      const places = members.map(cell => Math.floor(cell / columns) * stride + (cell % columns));
      return { label, members: places, box, log };
    })
    .filter(({ log }) => log < Math.log10(falseAlarms))
    .sort((a, b) => a.log - b.log);
}

/**
 * log₁₀ of (a bound on) the chance that of n cells at least k vote for one given grid, if each votes for any of 64:
 * Hoeffding 1963, "Probability inequalities for sums of bounded random variables", theorem 1.
 */
function logChance(n: number, k: number): number {
  const [p, r] = [1 / 64, Math.min(1, k / n)];
  if (r <= p) return 0;
  const rest = r === 1 ? 0 : (1 - r) * Math.log10((1 - r) / (1 - p));
  return -n * (r * Math.log10(r / p) + rest);
}
