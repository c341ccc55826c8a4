import type { Analysis } from '@forgelens/analysis';
import { parseAnalysis } from '@forgelens/analysis';
import { encodeMap16, encodePng, filledImage } from '@forgelens/imaging';
import { expect, test } from 'vitest';
import { makeAnalysisPage } from './analysis.ts';

const file = (name: string) => ({ file: name, sha256: 'a'.repeat(64), width: 40, height: 30 });

/** A result with everything that a page shows. */
const analysis: Analysis = {
  schemaVersion: 2,
  input: {
    ...{ name: '<img src=x onerror=alert(1)>.png', sha256: 'b'.repeat(64), bytes: 1234, format: 'png' },
    ...{ decoder: 'libvips 8', width: 40, height: 30, orientation: 1 },
    stored: { width: 40, height: 30, channels: 3, bitDepth: 8, colourSpace: 'srgb', hasAlpha: false, frames: 1 },
  },
  model: { id: 'unet', version: '3', name: 'U-Net', weightsSha256: 'c'.repeat(64) },
  protocol: { threshold: 0.5, minRegionAreaFraction: 0.001 },
  preprocessing: { input: 'RGB', sizePolicy: 'native', scale: [1, 1], tiles: null },
  score: {
    ...{ value: 0.9, rule: 'the highest', finding: 'suspicious' },
    operatingPoint: {
      score: 0.8,
      falseAlarmRate: 0.05,
      sensitivity: 0.4,
      images: 200,
      sets: ['dev/made-up'],
      degradations: ['blur_sigma=1'],
    },
  },
  areaFraction: 0.01,
  regions: [
    {
      ...{ bbox: [4, 5, 6, 7], area: 30, meanScore: 0.7 },
      polygon: [
        [4, 5],
        [10, 5],
        [10, 12],
      ],
    },
  ],
  maps: { map: file('map'), overlay: file('overlay') },
  evidence: [
    {
      ...{ id: 'noise', title: 'Noise', outcome: 'notable', summary: 'It is louder at the left.' },
      ...{ whatItShows: 'Noise.', lookFor: 'Louder places.', ignore: 'Grass.' },
      source: { text: 'Somebody 2009', url: 'https://example.org/' },
      warnings: [],
      map: { ...file('noise'), zero: 'none', one: '8 levels' },
      boxes: [{ left: 1, top: 2, width: 3, height: 4 }],
      pairs: [],
      table: { columns: ['What', 'How much'], rows: [['noise', '3']] },
    },
  ],
  warnings: ['It is small.'],
  limitations: ['It misses what is dark.'],
  timing: { startedAt: '2026-01-02T03:04:05.000Z', decodeMs: 1, locateMs: 2, evidenceMs: 3, totalMs: 6 },
  software: { name: 'forgelens', version: '1', runsOn: { node: '20' } },
  licences: { software: 'Apache-2.0', weights: 'none needed' },
};

const map = await encodeMap16(new Float32Array(40 * 30).fill(0.5), 40, 30);
const picture = await encodePng(filledImage(40, 30, [9, 9, 9]));
const make = (given: Analysis, original: Uint8Array | null) =>
  makeAnalysisPage(given, name => (name === 'overlay' ? picture : map), original);

test('a report holds everything that it shows, and nothing of it can be a script', async () => {
  expect(parseAnalysis(JSON.stringify(analysis))).toEqual(analysis);
  const page = await make(analysis, picture);
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
  expect(addresses.filter(address => !/^(data:image\/|#)/.test(address))).toEqual(['https://example.org/']);
  expect(page).not.toMatch(/<script|<link|<img src=x|@import|url\(/);
  // What is cut out of them for each region is not there again.
  for (const id of ['the-picture', 'the-overlay']) {
    expect(page.split(`id="${id}"`)).toHaveLength(2);
    expect(page.split(`<use href="#${id}"`)).toHaveLength(1 + analysis.regions.length);
  }
  for (const said of [
    'b'.repeat(64),
    'c'.repeat(64),
    'a'.repeat(64),
    'never a verdict',
    'Absence of a finding is not proof of authenticity',
    'Of 200 authentic pictures of dev/made-up, 5.0 % score 0.800 or more.',
    'It is small.',
    'It misses what is dark.',
    'Louder places.',
    'Somebody 2009',
  ])
    expect(page.toLowerCase().replaceAll(/\s+/g, ' ')).toContain(said.toLowerCase());
});

test('a report without the picture, without evidence and without regions still shows the map', async () => {
  const page = await make({ ...analysis, regions: [], evidence: null }, null);
  expect(page.match(/<figure/g)).toHaveLength(2);
  expect(page).toContain('No region of at least');
  expect(page).toContain('It was not looked for.');
});

test('a score below its operating point does not hide what the map marks', async () => {
  const below: Analysis = { ...analysis, score: { ...analysis.score, value: 0.6, finding: 'no finding' } };
  const hint = 'The map marks places all the same: look at them.';
  expect(await make(below, null)).toContain(hint);
  expect(await make({ ...below, regions: [] }, null)).not.toContain(hint);
});
