import type { EvidenceResult } from '@forgelens/analysis';
import type { JSX } from 'preact';
import { strings } from './strings.ts';

/** What one kind of evidence says, with the words to read it by. */
export function EvidencePanel({ evidence }: { readonly evidence: EvidenceResult }): JSX.Element {
  const { title, outcome, summary, whatItShows, lookFor, ignore, source, warnings, table } = evidence;
  const { evidence: words } = strings;
  return (
    <>
      <h2>{title}</h2>
      <p class="outcome">
        <span class={`chip ${outcome}`}>{words.outcomes[outcome]}</span>
        <span class="faint">{words.means[outcome]}</span>
      </p>
      <p class="summary">{summary}</p>
      {warnings.length > 0 && (
        <ul class="notice warning">
          {warnings.map(warning => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <dl class="reading">
        <dt>{words.shows}</dt>
        <dd>{whatItShows}</dd>
        <dt>{words.lookFor}</dt>
        <dd>{lookFor}</dd>
        <dt>{words.ignore}</dt>
        <dd>{ignore}</dd>
      </dl>
      {table && table.rows.length > 0 && (
        <div class="facts" role="region" aria-label={words.facts(title)} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {table.columns.map(column => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, j) => (
                    <td key={j}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p class="faint">
        {words.method}:{' '}
        <a href={source.url} target="_blank" rel="noreferrer">
          {source.text}
        </a>
      </p>
    </>
  );
}
