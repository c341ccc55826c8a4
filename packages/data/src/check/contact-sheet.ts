import { encodeJpeg, resizeImage, type Image } from '@forgelens/imaging';

import type { Sample } from '../sample.ts';
import { maskFiles, readMaskFile } from '../truth.ts';
import type { CheckReport } from './check.ts';
import { findingKinds } from './finding.ts';

/** Findings that are shown; the report has all. */
const maxShown = 300;
/** The longer side of a shown picture, in pixels. */
const side = 180;

/** A page (HTML, with the pictures in it) of the samples that something was found about, and of their masks. */
export async function contactSheet(report: CheckReport, samples: readonly Sample[]): Promise<string> {
  const byId = new Map(samples.map(sample => [sample.id, sample]));
  const shown = report.findings.slice(0, maxShown);
  const rows: string[] = [];
  for (const { kind, ids, text, known } of shown) {
    const files = ids.slice(0, 4).flatMap(id => {
      const sample = byId.get(id);
      return sample ? [sample.image, ...maskFiles(sample)] : [];
    });
    const pictures = await Promise.all(files.map(picture));
    const [severity] = findingKinds[kind];
    rows.push(
      `<section><h2><mark class="${severity}">${severity}</mark> ${kind}</h2><p>${escape(text)}</p>` +
        (known === undefined ? '' : `<p>Known: ${escape(known)}</p>`) +
        `<div>${pictures.join('')}</div></section>`,
    );
  }
  const more = report.findings.length - shown.length;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${escape(report.path)}</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
section { border-top: 1px solid #ccc; padding: .5rem 0 }
h2 { font-size: 1rem; margin: .3rem 0 } p { margin: .2rem 0; overflow-wrap: anywhere }
div { display: flex; flex-wrap: wrap; gap: .5rem } figure { margin: .3rem 0; font-size: .75rem }
figcaption { max-width: ${side}px; overflow-wrap: anywhere } img { display: block; border: 1px solid #999 }
mark { padding: 0 .4rem; background: #ddd } mark.error { background: #b00; color: #fff } mark.warning { background: #fd6 }
</style>
<h1>${escape(report.path)}</h1>
<p>${report.samples} samples, ${report.tampered} tampered and ${report.authentic} authentic; ${report.findings.length} findings${more > 0 ? `, of which the first ${shown.length} are shown` : ''}.</p>
${rows.join('\n')}
</html>
`;
}

async function picture(path: string): Promise<string> {
  const name = escape(path.split(/[\\/]/).at(-1)!);
  const image: Image | null = await readMaskFile(path).catch(() => null);
  if (image === null) return `<figure>unreadable<figcaption>${name}</figcaption></figure>`;
  const scale = Math.min(1, side / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map(extent => Math.max(1, Math.round(extent * scale)));
  const jpeg = await encodeJpeg(resizeImage(image, width!, height!), { quality: 80 });
  const data = Buffer.from(jpeg).toString('base64');
  return `<figure><img width="${width}" height="${height}" alt="" src="data:image/jpeg;base64,${data}"><figcaption>${name}, ${image.width}×${image.height}</figcaption></figure>`;
}

const escape = (text: string): string => text.replaceAll(/[&<>"]/g, character => `&#${character.codePointAt(0)};`);
