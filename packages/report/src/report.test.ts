import { UsageError } from '@forgelens/autograd';
import { protocols } from '@forgelens/evaluate';
import { describe, expect, test } from 'vitest';
import { lineChart } from './charts.ts';
import { compareReports, parseReport } from './comparison.ts';
import { comparisonCsv, comparisonPage, verdict } from './comparison-page.ts';
import { evaluationCsv, evaluationPage } from './evaluation-page.ts';
import { chooseExhibits, makeExhibits } from './exhibits.ts';
import { toCsv } from './format.ts';
import { html } from './html.ts';
import { estimate, estimateDifference } from './measures.ts';
import { publishedPapers } from './published/index.ts';
import { reproduce } from './reproduction.ts';
import type { DegradedImage } from './robustness.ts';
import { sumUpRobustness } from './robustness.ts';
import { robustnessCsv, robustnessPage } from './robustness-page.ts';
import { halfImage, reportOf, someImages, tableRows } from './testing.ts';

const report = reportOf(someImages, { excluded: [{ id: 'torn.png', set: 'b', error: 'torn.png: no such file' }] });

/** What a page loads or runs: nothing. */
const outside = (page: string): string[] =>
  page.match(/<script|<link|@import|(?:src|href)="(?!data:)[^"]*"|url\((?!#)/g) ?? [];

describe('html', () => {
  test('text is escaped, and HTML is not escaped twice', () => {
    expect(html`<p>${'a < b & "c"'}${html`<b>${"'"}</b>`}${null}${[1, 2]}</p>`.text).toBe(
      '<p>a &#60; b &#38; &#34;c&#34;<b>&#39;</b>12</p>',
    );
  });

  test('CSV quotes what needs it and leaves undefined empty', () => {
    expect(
      toCsv([
        { a: 'x, "y"', b: null },
        { a: 'plain', b: 0.5 },
      ]),
    ).toBe('a,b\r\n"x, ""y""",\r\nplain,0.5\r\n');
    expect(toCsv([])).toBe('\r\n');
  });

  test('a chart is an SVG picture with a text alternative, the same each time it is drawn', () => {
    const draw = () =>
      lineChart({ title: 'ROC', text: 'AUC 0.5.', x: { name: 'x' }, y: { name: 'y' } }, [
        {
          name: 'one',
          points: [
            [0, 0],
            [1, 1],
          ],
        },
      ]).text;
    expect(draw()).toBe(draw());
    expect(draw()).toMatch(/role="img" aria-label="ROC. AUC 0.5."[^>]*><svg /);
    expect(draw()).toContain('var(--line-0)');
  });
});

describe('the page of an evaluation', () => {
  const page = evaluationPage(report, { command: 'forgelens evaluate --data data/index.csv' });

  test('begins with the protocol, and F1 with its interval and its floor', () => {
    const { overall } = report;
    const { low, high } = overall.intervals['f1.perImage']!;
    const [first] = page.match(/<div class="figure">[\s\S]*?<\/div>\s*<\/div>/)!;
    expect(overall.tampered.f1.perImage).toBeCloseTo((1 + 2 / 3 + 0.8 + 0) / 4, 12);
    expect(page).toContain('mean of the tampered images at the fixed threshold 0.5');
    expect(first).toContain('0.617');
    expect(first).toContain(`${low.toFixed(3)} to ${high.toFixed(3)}`);
    expect(first).toContain('marking everything: 0.667');
  });

  test('has a line for each set, each protocol and each excluded image', () => {
    const rows = tableRows(page);
    expect(rows.filter(row => /^(a|b|all) \| /.test(row)).map(row => row.split(' | ', 2).join(' '))).toEqual([
      'a 2',
      'b 2',
      'all 4',
      'b 2',
      'all 2',
    ]);
    expect(rows.find(row => row.startsWith('m2sformer | DSC'))).toMatch(/^m2sformer \| DSC \| 0\.\d{3} \|/);
    expect(rows).toContain('torn.png | b | torn.png: no such file');
  });

  test('says whose numbers these are', () => {
    for (const text of ['ab'.repeat(32), '12'.repeat(32), 'native', 'forgelens 1.2.3', 'split dev', 'evaluate --data'])
      expect(page).toContain(text);
  });

  test('needs nothing from outside, and names its tables and charts', () => {
    expect(outside(page)).toEqual([]);
    expect(page.match(/<table>/g)).toHaveLength(page.match(/<caption>\s*<span>[^<]/g)!.length);
    expect(page.match(/<svg/g)).toHaveLength(page.match(/role="img" aria-label="[^"]{20,}"/g)!.length);
    expect(page).not.toContain('<b>.png');
  });

  test('is drawn of authentic images alone, too', () => {
    const alone = evaluationPage(reportOf(someImages.slice(4)), { command: '' });
    expect(alone).toContain('False-alarm area');
    expect(alone).not.toContain('ROC curve');
    expect(alone).not.toContain('NaN');
  });

  test('shows the best, the worst and the alarmed images, each once', async () => {
    const chosen = chooseExhibits(report, 2);
    const ids = (images: readonly { readonly id: string }[]) => images.map(({ id }) => id);
    expect(ids(chosen.best)).toEqual(['found.png', 'too much.png']);
    expect(ids(chosen.worst)).toEqual(['missed <b>.png', 'half.png']);
    expect(ids(chosen.alarms)).toEqual(['alarmed.png']);
    const exhibits = await makeExhibits(chosen, async ({ id }) => {
      if (id === 'half.png') return null;
      const { levels, probabilities } = halfImage('', '', 1, 4);
      return {
        image: { width: 8, height: 8, data: new Uint8Array(192).fill(90) },
        truth: { width: 8, height: 8, data: levels.map(level => level / 255) },
        probabilities,
      };
    });
    const shown = evaluationPage(report, { command: '', exhibits });
    expect(shown.match(/<img /g)).toHaveLength(3 * 4);
    expect(shown).toContain('12.5 % flagged');
    expect(outside(shown)).toEqual([]);
  });

  test('has a CSV with a line for each image and its values by each protocol', () => {
    const [head, ...lines] = evaluationCsv(report).trim().split('\r\n');
    expect(head).toMatch(/^set,id,label,tp,fp,fn,tn,f1,iou,auc,.*,forgelens\.F1,.*,m2sformer\.DSC,/);
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^a,found.png,1,32,0,0,32,1,1,1,/);
  });
});

describe('measures', () => {
  test('are those of the summary', () => {
    const { f1, pooledF1, iou, auc, falseAlarmArea, imageAuc } = estimate(report.images);
    const { tampered, authentic, detection } = report.overall;
    expect(f1.value).toBeCloseTo(tampered.f1.perImage!, 12);
    expect(pooledF1.value).toBeCloseTo(tampered.f1.pooled!, 12);
    expect(iou.value).toBeCloseTo(tampered.iou.perImage!, 12);
    expect(auc.value).toBeCloseTo(tampered.auc.perImage!, 12);
    expect(falseAlarmArea.value).toBeCloseTo(authentic.falseAlarmArea!, 12);
    expect(imageAuc.value).toBeCloseTo(detection.model!.auc!, 12);
    expect(f1.interval).toEqual(report.overall.intervals['f1.perImage']);
    expect([f1.images, falseAlarmArea.images, imageAuc.images]).toEqual([4, 2, 6]);
  });

  test('a list differs from itself by nothing, with certainty', () => {
    const same = estimateDifference(report.images, report.images);
    expect(same.f1).toEqual({ value: 0, interval: { low: 0, high: 0 }, images: 4 });
    expect(verdict('f1', same.f1)).toBe('not told apart');
  });

  test('a part of a tampered image without tampering is of no number', () => {
    const [image] = report.images;
    const cut = { ...image!, counts: { tp: 0, fp: 3, fn: 0, tn: 5 }, auc: null };
    const { f1, pooledF1, falseAlarmArea, imageAuc } = estimate([cut]);
    expect([f1, pooledF1, falseAlarmArea, imageAuc].map(({ images }) => images)).toEqual([0, 0, 0, 0]);
    expect(f1.value).toBeNull();
  });
});

describe('a comparison', () => {
  const worse = reportOf(
    someImages.map(({ set, id, label, score }) => halfImage(set, id, label, label === 1 ? 4 * score : 8 * score + 1)),
    { id: 'worse' },
  );
  const named = [
    { name: 'first', report },
    { name: 'second', report: worse },
  ];

  test('takes differences image by image, less the first report', () => {
    const { models, images, leftOut } = compareReports(named);
    const [, second] = models;
    expect([images, leftOut]).toEqual([6, []]);
    expect(second!.difference!.f1.value).toBeCloseTo(
      worse.overall.tampered.f1.perImage! - report.overall.tampered.f1.perImage!,
      12,
    );
    expect(verdict('falseAlarmArea', second!.difference!.falseAlarmArea)).toBe('worse');
    expect(models[0]!.difference).toBeNull();
    expect(Object.keys(second!.sets)).toEqual(['a', 'b']);
  });

  test('is of the images that every report has', () => {
    const fewer = reportOf(someImages.slice(1));
    const { images, leftOut } = compareReports([named[0]!, { name: 'fewer', report: fewer }]);
    expect([images, leftOut]).toEqual([5, ['a/found.png']]);
  });

  test('makes a page and a CSV', () => {
    const comparison = compareReports(named);
    const page = comparisonPage(comparison, { command: 'forgelens compare first.json second.json' });
    expect(outside(page)).toEqual([]);
    expect(page).not.toContain('NaN');
    expect(
      tableRows(page).some(row =>
        /^second \| False-alarm area \| \+12\.5 % \| \+12\.5 % to \+12\.5 % \| 2 \| worse$/.test(row),
      ),
    ).toBe(true);
    expect(comparisonCsv(comparison).trim().split('\r\n')).toHaveLength(1 + 2 * 3 * 6);
  });

  test('refuses other lists of images, other protocols, and what is no report', () => {
    const against = (other: Partial<typeof report>) => () =>
      compareReports([named[0]!, { name: 'other', report: { ...report, ...other } }]);
    expect(against({ manifestSha256: '34'.repeat(32) })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: first and other are of different lists of images (121212121212 and 343434343434); evaluate both models on the same list]`,
    );
    expect(against({ protocol: { ...report.protocol, version: 2 } })).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: first and other are by different protocols (forgelens, version 1; forgelens, version 2); evaluate both models by the same one]`,
    );
    expect(() => compareReports([named[0]!])).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: compare: needs two reports or more]`,
    );
    expect(() => parseReport('{', 'torn.json')).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: torn.json: is not a report; make one with "forgelens evaluate --json"]`,
    );
    expect(() => parseReport('[]', 'two.json')).toThrowErrorMatchingInlineSnapshot(
      `[UsageError: two.json: is a list of reports; give each in a file of its own ("score <folder> --json")]`,
    );
    expect(() =>
      parseReport(JSON.stringify({ ...report, schemaVersion: 2 }), 'new.json'),
    ).toThrowErrorMatchingInlineSnapshot(`[UsageError: new.json: schemaVersion 2 is not 1; make the report anew]`);
    expect(() => parseReport('{}', 'x.json')).toThrow(UsageError);
    expect(parseReport(JSON.stringify(report), 'report.json').images).toHaveLength(6);
  });
});

describe('robustness', () => {
  const run = {
    ...{ software: report.software, model: report.model, data: report.data },
    ...{ manifestSha256: report.manifestSha256, seed: '1' },
  };
  const series = [
    {
      name: 'jpeg_quality',
      levels: [90, 50].map(value => ({ value, chain: [{ name: 'jpeg_quality' as const, value }] })),
    },
    { name: 'chain', levels: [{ value: 'none', chain: [] }] },
  ];
  const after = (chain: string, lost: number): DegradedImage[] =>
    reportOf(
      someImages.map(({ set, id, label, score }) => halfImage(set, id, label, Math.max(0, 8 * score - lost))),
    ).images.map(image => ({ chain, ...image }));
  const images = [
    ...after('none', 0),
    ...after('jpeg_quality=90', 0),
    ...after('jpeg_quality=50', 2),
    { chain: 'jpeg_quality=50', set: 'b', id: 'torn.png', error: 'torn' },
  ];
  const robustness = sumUpRobustness(run, series, images);

  test('compares each level with the same images untouched', () => {
    const [mild, strong] = robustness.series[0]!.levels;
    expect(robustness.untouched.f1.value).toBeCloseTo(report.overall.tampered.f1.perImage!, 12);
    expect(mild!.difference.f1).toEqual({ value: 0, interval: { low: 0, high: 0 }, images: 4 });
    expect(strong!.difference.f1.value).toBeLessThan(0);
    expect(robustness.excluded).toEqual([{ chain: 'jpeg_quality=50', set: 'b', id: 'torn.png', error: 'torn' }]);
  });

  test('makes a page with a curve and a table for each series, and a CSV', () => {
    const page = robustnessPage(robustness, { command: 'forgelens robustness' });
    expect(outside(page)).toEqual([]);
    expect(page).not.toContain('NaN');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).toContain('quality of libjpeg, 1–100');
    expect(tableRows(page)).toContain('torn.png | b | jpeg_quality=50 | torn');
    expect(robustnessCsv(robustness).trim().split('\r\n')).toHaveLength(1 + 4 * 6);
  });
});

describe('published tables', () => {
  test('are complete: a value for each column of each row', () => {
    for (const { tables } of Object.values(publishedPapers))
      for (const { columns, rows } of Object.values(tables))
        for (const { values, deviations = values } of rows) {
          expect(values).toHaveLength(columns.length);
          expect(deviations).toHaveLength(columns.length);
        }
  });

  test('name protocols and measures that there are', () => {
    for (const { tables } of Object.values(publishedPapers))
      for (const { protocol, columns } of Object.values(tables))
        for (const { measured } of columns)
          if (measured) expect(protocols[protocol!].measures.map(({ name }) => name)).toContain(measured.measure);
  });

  test('our numbers stand beneath, with marks where protocol, data or training differ', () => {
    const paper = publishedPapers.m2sformer!;
    const columnsOf = (declared: object, by = report) =>
      reproduce(paper, 'trained-on-casia-v2', [by], declared).ours[0]!.values.filter(value => value !== null);
    expect(columnsOf({})).toEqual([]);
    const [dsc] = columnsOf({ sets: { a: 'casia-v1' } });
    expect(dsc).toMatchObject({ images: 2, marks: ['d', 't'] });
    expect(dsc!.value).toBeCloseTo(100 * (5 / 6), 3);
    expect(columnsOf({ sets: { a: 'casia-v1' }, trainedOn: 'casia-v2' })[0]!.marks).toEqual(['d']);
    const [ours] = columnsOf({ sets: { a: 'casia-v1' } }, reportOf(someImages, { by: [protocols.forgelens] }));
    expect(ours!.marks).toEqual(['p', 'd', 't']);
  });

  test('a number without marks needs the paper’s protocol, its images and its training', () => {
    const two = reportOf([halfImage('misd', '1.png', 1, 4), halfImage('misd', '2.png', 1, 4)]);
    const misd = {
      ...two,
      protocols: two.protocols.map(result => ({
        ...result,
        sets: { misd: result.sets.misd!.map(measured => ({ ...measured, images: 300 })) },
      })),
    };
    const { ours } = reproduce(publishedPapers.m2sformer!, 'trained-on-casia-v2', [misd], {
      trainedOn: 'casia-v2',
    });
    expect(ours[0]!.values.filter(value => value !== null)).toEqual([
      { value: 100, images: 300, marks: [] },
      { value: 100, images: 300, marks: [] },
    ]);
  });
});
