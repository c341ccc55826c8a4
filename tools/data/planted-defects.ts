/**
 * Plants every kind of defect into copies of a data set and tells what `data check` finds of them:
 * npx tsx tools/data/planted-defects.ts <index.csv> [split] [number of copies]
 *
 * The data set itself is only read. A finding is explained when the clean data set has it too, or when it is about a
 * sample with a planted defect (a copy looks like what it was copied from); any other one is false.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { checkDataset, listDataset, maskFiles, type Finding } from '@forgelens/data';
import { plantDefects } from '@forgelens/data/testing';

const [index = '', split, copies = '3'] = process.argv.slice(2);
const { samples } = await listDataset(index, { split });

/** Copies the samples into a folder, with an index of them. */
async function copyTo(folder: string): Promise<string> {
  const rows = ['split,set,image,mask,kind,width,height,maskFraction,authentic,extra'];
  const root = dirname(index);
  for (const sample of samples) {
    for (const file of [sample.image, ...maskFiles(sample)]) {
      const to = join(folder, file.slice(join(root, '/').length));
      await mkdir(dirname(to), { recursive: true });
      await copyFile(file, to);
    }
    const mask = sample.mask?.slice(join(root, '/').length) ?? '';
    rows.push(
      [
        sample.split,
        sample.set,
        sample.id,
        mask,
        mask ? 'tampered' : 'authentic',
        '',
        '',
        '',
        '',
        `group ${sample.group}`,
      ].join(),
    );
  }
  const copy = join(folder, 'index.csv');
  await writeFile(copy, `${rows.join('\n')}\n`);
  return copy;
}

const nameOf = ({ kind, ids }: Finding): string => `${kind} ${ids.join()}`;

let failed = false;
let clean: readonly Finding[] | null = null;
for (let seed = 1; seed <= Number(copies); seed++) {
  const folder = await mkdtemp(join(tmpdir(), 'forgelens-'));
  try {
    const copy = await copyTo(folder);
    if (clean === null) {
      clean = (await checkDataset(await listDataset(copy))).findings;
      console.log(`clean: ${samples.length} samples, ${clean.length} findings`);
      for (const { kind, text } of clean) console.log(`  ${kind}: ${text}`);
    }
    const planted = await plantDefects(copy, seed);
    const { findings } = await checkDataset(await listDataset(copy));
    const stem = (file: string): string => parse(file).name;
    const touched = new Set(planted.flatMap(({ id, sample }) => [stem(id), stem(sample)]));
    const missed = planted.filter(
      ({ kind, id }) => !findings.some(finding => finding.kind === kind && finding.ids.some(each => id.endsWith(each))),
    );
    const explained = new Set(clean.map(nameOf));
    const invented = findings.filter(
      finding => !explained.has(nameOf(finding)) && !finding.ids.some(id => touched.has(stem(id))),
    );
    console.log(
      `copy ${seed}: ${planted.length - missed.length} of ${planted.length} planted defects found, ${invented.length} false findings`,
    );
    for (const { what, id } of missed) console.log(`  missed: ${what} (${id})`);
    for (const { kind, text } of invented) console.log(`  false: ${kind}: ${text}`);
    failed ||= missed.length + invented.length > 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}
process.exitCode = failed ? 1 : 0;
