/** The page as people use it: built, handed out by the server, in Chromium, by mouse and by keys alone. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Serving } from '@forgelens/server';
import { defaultSettings, serve } from '@forgelens/server';
import type { AxeResults } from 'axe-core';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPage } from '../page/build.ts';
import { launchChromium, whyNot } from './chromium.ts';

/** A file as it is given to the page. */
interface Given {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** A part of a forged example: large pictures take longer, and show the page no other way. */
async function partOf(example: string, left: number, top: number, width: number, height: number): Promise<Given> {
  const path = join(import.meta.dirname, '../../examples/forged', example);
  const buffer = await sharp(path).extract({ left, top, width, height }).png().toBuffer();
  return { name: `${example}.part.png`, mimeType: 'image/png', buffer };
}

const skipped = whyNot();
const title = (name: string): string => (skipped === null ? name : `${name} (skipped: ${skipped})`);
const minutes = 60_000;

describe.skipIf(skipped !== null)(title('the page'), () => {
  let serving: Serving;
  let browser: Browser;
  let page: Page;
  let dandelions: Given;
  let figs: Given;
  const faults: string[] = [];

  beforeAll(async () => {
    dandelions = await partOf('two-dandelions.jpg', 560, 330, 384, 236);
    figs = await partOf('two-figs.jpg', 300, 200, 384, 236);
    await buildPage();
    serving = await serve({
      ...{ settings: { ...defaultSettings, drainMs: 1000 }, model: 'trionet', host: '127.0.0.1', port: 0 },
      log: text => faults.push(text),
    });
    browser = await launchChromium();
    page = await (await browser.newContext({ viewport: desktop, reducedMotion: 'reduce' })).newPage();
    page.setDefaultTimeout(3 * minutes);
    // What the content security policy refuses is told here, too.
    page.on('console', message => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', ({ message }) => faults.push(message));
    await page.goto(serving.url);
  }, 4 * minutes);

  afterAll(async () => {
    await browser.close();
    await serving.close();
  }, minutes);

  test('is open to everybody at its start', async () => {
    expect(await page.getByText('Absence of a finding is not proof of authenticity').isVisible()).toBe(true);
    expect(await page.getByRole('radio', { name: 'In this browser' }).isChecked()).toBe(false);
    expect(await violations(page)).toEqual([]);
  });

  test(
    'looks at a dropped picture, follows the threshold, and gives a report of the very bytes',
    async () => {
      await drop(page, figs);
      await page.getByRole('tab', { name: 'Tampering map' }).waitFor();
      const counts = page.locator('.counts');
      const first = readCounts(await counts.innerText());
      expect(first.regions).toBeGreaterThan(0);
      expect(await page.locator('.region-list li').count()).toBe(first.regions);

      const threshold = page.getByRole('slider', { name: 'Threshold' });
      await threshold.fill('0.2');
      const lower = readCounts(await counts.innerText());
      expect(lower.share).toBeGreaterThan(first.share);
      await threshold.fill('0.99');
      expect(readCounts(await counts.innerText())).toEqual({ share: 0, regions: 0 });
      await page.getByRole('button', { name: 'Back to 0.50' }).click();
      expect(readCounts(await counts.innerText())).toEqual(first);

      const copies = page.getByRole('tab', { name: 'Copy-move matches' });
      await copies.click();
      for (const words of ['What it shows', 'Look for', 'Ignore'])
        expect(await page.getByRole('tabpanel').getByText(words, { exact: true }).isVisible()).toBe(true);

      const sha256 = createHash('sha256').update(figs.buffer).digest('hex');
      expect(await page.locator('.file').innerText()).toContain(sha256);
      const downloading = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Report' }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe(`${figs.name}.html`);
      const report = readFileSync(await download.path(), 'utf8');
      expect(report).toContain(sha256);
      expect(report).not.toMatch(/<script|src="http/);
      expect(await violations(page)).toEqual([]);
    },
    3 * minutes,
  );

  test(
    'is used by keys alone: a batch is given, sorted and opened, and the viewer moved',
    async () => {
      const choosing = page.waitForEvent('filechooser');
      await tabTo(page, 'Add pictures');
      await page.keyboard.press('Enter');
      const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') };
      await (await choosing).setFiles([dandelions, text]);
      const rows = page.locator('tbody tr');
      await page.getByText('All are done.').waitFor();
      const names = async () => (await rows.locator('.name').allInnerTexts()).map(name => name.trim());
      expect(await names()).toEqual([figs.name, dandelions.name, text.name]);
      expect(await rows.last().innerText()).toContain('This picture cannot be looked at');

      await tabTo(page, 'Score');
      await page.keyboard.press('Enter');
      expect(await names()).toEqual([figs.name, dandelions.name, text.name]);
      expect(await page.locator('th[aria-sort=descending]').innerText()).toContain('Score');
      await page.keyboard.press('Enter');
      expect(await names()).toEqual([dandelions.name, figs.name, text.name]);
      expect(await page.locator('th[aria-sort=ascending]').innerText()).toContain('Score');
      expect(await violations(page)).toEqual([]);

      await tabTo(page, figs.name);
      await page.keyboard.press('Enter');
      await tabTo(page, 'Tampering map');
      await page.keyboard.press('ArrowDown');
      expect(await page.getByRole('tab', { selected: true }).innerText()).toContain('Error-level analysis');
      await page.keyboard.press('ArrowUp');
      await tabTo(page, 'Viewer');
      const scale = page.locator('.zoom output');
      const whole = await scale.innerText();
      await page.keyboard.press('+');
      expect(await scale.innerText()).not.toBe(whole);
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('0');
      expect(await scale.innerText()).toBe(whole);
      await tabTo(page, 'Threshold');
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('.threshold output').innerText()).toBe('0.51');
    },
    3 * minutes,
  );

  test(
    'tells how much of a picture has been sent',
    async () => {
      const sending = await open(page.context());
      const session = await sending.context().newCDPSession(sending);
      const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 300_000 };
      await session.send('Network.emulateNetworkConditions', slow);
      const noise = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 251));
      await drop(sending, { name: 'large.jpg', mimeType: 'image/jpeg', buffer: noise });
      const bar = sending.getByRole('progressbar', { name: 'Sending 3.0 MB' });
      const share = async () => Number(await bar.getAttribute('value'));
      await expect.poll(share, { timeout: minutes }).toBeGreaterThan(0.1);
      expect(await share()).toBeLessThan(1);
      expect(await sending.locator('.progress .percent').innerText()).toMatch(/^\d+ %/);
      expect(await sending.getByRole('status').innerText()).toBe('Sending 3.0 MB');
      await sending.close();
    },
    3 * minutes,
  );

  test(
    'says so where the map cannot be read here, and gives the rest',
    async () => {
      const other = await open(page.context());
      const body = await sharp(figs.buffer).png().toBuffer();
      await other.route('**/maps/map.png', route => route.fulfill({ body, contentType: 'image/png' }));
      await drop(other, figs);
      const notice = other.getByRole('alert');
      await notice.waitFor();
      expect(await notice.innerText()).toContain('This browser cannot show the map');
      expect(await notice.innerText()).toContain('not a map: 3 channels of 8 bits');
      expect(await other.getByRole('button', { name: 'Report' }).isVisible()).toBe(true);
      expect(await other.getByRole('button', { name: 'Mask' }).count()).toBe(0);
      expect(await violations(other)).toEqual([]);
      await other.close();
    },
    3 * minutes,
  );

  test(
    'says so where a map of evidence cannot be read here, and shows the others',
    async () => {
      const other = await open(page.context());
      await other.route('**/maps/*noise-residual.png', route =>
        route.fulfill({ body: 'torn', contentType: 'image/png' }),
      );
      await drop(other, dandelions);
      expect(await other.getByRole('tab', { name: 'Copy-move matches' }).innerText()).toContain('Notable');
      await other.getByRole('tab', { name: 'Noise residual' }).click();
      expect(await other.getByRole('alert').innerText()).toContain('This map cannot be read here');
      expect(await violations(other)).toEqual([]);
      await other.getByRole('tab', { name: 'Error-level analysis' }).click();
      expect(await other.getByRole('alert').count()).toBe(0);
      await other.close();
    },
    3 * minutes,
  );

  test(
    'takes the address of a picture only where the server fetches it',
    async () => {
      const field = (page: Page) => page.getByRole('textbox', { name: 'Address of a picture' });
      const without = await open(page.context());
      await without.getByRole('heading', { level: 1 }).waitFor();
      expect(await field(without).count()).toBe(0);
      await without.close();

      const other = await page.context().newPage();
      await other.route('**/openapi.json', async route => {
        const description = (await (await route.fetch()).json()) as Description;
        const { content } = description.paths['/v1/analyses'].post.requestBody;
        content['application/json'] = {};
        await route.fulfill({ json: description });
      });
      await other.goto(serving.url);
      await field(other).fill('https://pictures.example/two-figs.jpg');
      expect(await violations(other)).toEqual([]);
      const asking = other.waitForRequest(request => request.method() === 'POST');
      await other.getByRole('button', { name: 'Fetch it' }).click();
      expect((await asking).postData()).toBe('{"url":"https://pictures.example/two-figs.jpg"}');
      expect(await other.getByRole('heading', { level: 1 }).innerText()).toBe('two-figs.jpg');
      // This server was not told to fetch.
      await other.getByRole('alert').waitFor();
      await other.getByRole('link', { name: 'forgelens' }).click();
      await field(other).waitFor();
      await other.getByRole('radio', { name: 'In this browser' }).check({ force: true });
      expect(await field(other).count()).toBe(0);
      await other.close();
    },
    3 * minutes,
  );

  test('leads to the licences of all that it is made of', async () => {
    const address = await page.getByRole('link', { name: 'Licences' }).getAttribute('href');
    const answer = await page.request.get(`${serving.url}/${address}`);
    expect(answer.headers()['content-type']).toBe('text/plain; charset=utf-8');
    const text = await answer.text();
    for (const name of ['preact', 'onnxruntime-web', 'wasm-vips', 'zod', 'exifreader'])
      expect(text, name).toMatch(new RegExp(`^${name} \\d`, 'm'));
    expect(text).toContain('GNU LESSER GENERAL PUBLIC LICENSE');
  });

  test('nothing went wrong that was not meant to', () => {
    // A file that is no picture is refused with 422.
    expect(faults.filter(text => !text.includes('422'))).toEqual([]);
  });

  /** Another tab with the page at its start. */
  async function open(context: BrowserContext): Promise<Page> {
    const opened = await context.newPage();
    await opened.goto(serving.url);
    return opened;
  }
});

/** The little of the server's description that is changed here. */
interface Description {
  readonly paths: {
    readonly '/v1/analyses': { readonly post: { readonly requestBody: { readonly content: Record<string, object> } } };
  };
}

const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

/** What axe finds, at both sizes and in both colours; and whether the page is wider than the screen. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found: string[] = [];
  for (const viewport of [desktop, phone])
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      const place = `${viewport.width} px, ${colorScheme}`;
      for (const { id, nodes } of violations)
        found.push(...nodes.map(({ html, failureSummary }) => `${place}: ${id}: ${html} ${failureSummary}`));
      const width = await page.evaluate<number>('document.documentElement.scrollWidth');
      if (width > viewport.width) found.push(`${place}: the page is ${width} px wide`);
    }
  await page.setViewportSize(desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** Drops a file on the page, as a mouse does. */
async function drop(page: Page, { name, mimeType, buffer }: Given): Promise<void> {
  await page.evaluate(`{
    const dataTransfer = new DataTransfer();
    const bytes = Uint8Array.from(atob('${buffer.toString('base64')}'), character => character.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], '${name}', { type: '${mimeType}' }));
    for (const kind of ['dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }`);
}

/** Presses Tab until what has the focus is called so. */
async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<string>(`{
      const element = document.activeElement;
      (element.ariaLabel ?? element.labels?.[0]?.innerText ?? element.innerText ?? '').trim();
    }`);
    if (focused.startsWith(name)) return;
    seen.push(focused);
  }
  throw new Error(`no ${name} among what Tab reaches: ${seen.join(', ')}`);
}

/** `0.8 % above the threshold, 1 region`. */
function readCounts(text: string): { share: number; regions: number } {
  const [, share, regions] = /([\d.]+) % above the threshold, (\d+) region/.exec(text)!;
  return { share: Number(share), regions: Number(regions) };
}
