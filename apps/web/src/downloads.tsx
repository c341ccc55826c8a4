import { formatAnalysis } from '@forgelens/analysis';
import { zip } from 'fflate';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Findings } from './analyst.ts';
import { DownloadIcon } from './icons.tsx';
import type { FloatMap } from './paint.ts';
import { encodeMask } from './png.ts';
import { strings } from './strings.ts';

interface Props {
  readonly findings: Findings;
  /** The network's map; null where it cannot be read here, so that no mask can be made of it. */
  readonly map: FloatMap | null;
  readonly threshold: number;
}

/** A file to keep: its name, and what makes it when it is wanted. */
interface Kept {
  readonly title: string;
  readonly note: string;
  readonly name: string;
  readonly make: () => Promise<Blob>;
}

/** All that can be kept of a result, one by one or together. */
export function Downloads(props: Props): JSX.Element {
  const { downloads: words } = strings;
  const { main, evidence } = filesOf(props);
  const everything: Kept = {
    ...{
      title: words.everything,
      note: words.everythingNote,
      name: `${props.findings.analysis.input.name}.forgelens.zip`,
    },
    make: () => zipped([...main, ...evidence]),
  };
  return (
    <section class="downloads">
      <h2>{words.heading}</h2>
      <ul>
        {[...main, everything].map(file => (
          <li key={file.name}>
            <DownloadButton {...file} isPrimary={file === main[0]} />
          </li>
        ))}
      </ul>
      {evidence.length > 0 && (
        <details>
          <summary>{words.evidence}</summary>
          <ul>
            {evidence.map(file => (
              <li key={file.name}>
                <DownloadButton {...file} isPrimary={false} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function filesOf({ findings, map, threshold }: Props): {
  readonly main: readonly Kept[];
  readonly evidence: readonly Kept[];
} {
  const { analysis, files, report } = findings;
  const { downloads: words } = strings;
  const { name } = analysis.input;
  const stored = (title: string, note: string, file: string): Kept => ({
    ...{ title, note, name: `${name}.${file.split('/').at(-1)!.replace(`${name}.`, '')}` },
    make: async () => files.get(file)!,
  });
  return {
    main: [
      { title: words.report, note: words.reportNote, name: `${name}.html`, make: report },
      {
        ...{ title: words.result, note: words.resultNote, name: `${name}.json` },
        make: async () => new Blob([formatAnalysis(analysis)], { type: 'application/json' }),
      },
      stored(words.map, words.mapNote, analysis.maps.map.file),
      stored(words.overlay, words.overlayNote, analysis.maps.overlay.file),
      ...(map
        ? [
            {
              ...{ title: words.mask, note: words.maskNote(threshold), name: `${name}.mask.png` },
              make: async () => new Blob([encodeMask(map, threshold)], { type: 'image/png' }),
            },
          ]
        : []),
    ],
    evidence: (analysis.evidence ?? []).flatMap(({ title, map }) =>
      map ? [stored(title, words.evidenceNote, map.file)] : [],
    ),
  };
}

async function zipped(files: readonly Kept[]): Promise<Blob> {
  const entries: Record<string, Uint8Array> = {};
  for (const { name, make } of files) entries[name] = new Uint8Array(await (await make()).arrayBuffer());
  // PNG does not get smaller.
  const archive = await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) =>
    zip(entries, { level: 0 }, (error, data) => (error ? reject(error) : resolve(data))),
  );
  return new Blob([archive], { type: 'application/zip' });
}

function DownloadButton({ title, note, name, make, isPrimary }: Kept & { readonly isPrimary: boolean }): JSX.Element {
  const [isBusy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    const address = URL.createObjectURL(await make());
    Object.assign(document.createElement('a'), { href: address, download: name }).click();
    // The download has begun by then; what is not revoked stays in memory.
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    setBusy(false);
  };
  return (
    <button
      type="button"
      class={`button download ${isPrimary ? 'primary' : ''}`}
      disabled={isBusy}
      onClick={() => void download()}
    >
      <DownloadIcon />
      <span>
        <strong>{title}</strong>
        <small>{isBusy ? strings.downloads.preparing : note}</small>
      </span>
    </button>
  );
}
