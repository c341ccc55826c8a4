import type { DataSelection, Excluded, Report, ScoredModel } from '@forgelens/evaluate';
import type { Column, Html } from './html.ts';
import { html, table } from './html.ts';

/** What a page says of a model. */
export const describeModel = ({ id, version, weightsSha256, sizePolicy }: ScoredModel): [string, string | Html][] => [
  ['Model', `${id}, version ${version}`],
  ['Weights, SHA-256', html`<code>${weightsSha256}</code>`],
  ['Size policy', sizePolicy],
];

/** What a page says of the images that numbers are of. */
export const describeData = ({
  data,
  manifestSha256,
}: Pick<Report, 'data' | 'manifestSha256'>): [string, string | Html][] => [
  ['Data', describeSelection(data)],
  ['List of images, SHA-256', html`<code>${manifestSha256}</code>`],
];

const describeSelection = ({ path, split, sets, limit }: DataSelection): string =>
  [path, split && `split ${split}`, sets && `sets ${sets.join(', ')}`, limit && `the first ${limit} of each set`]
    .filter(Boolean)
    .join('; ');

/** The images that are in no number, and why; null where there is none. `more` stands before the reason. */
export const excludedTable = <Row extends Excluded>(
  excluded: readonly Row[],
  more: readonly Column<Row>[] = [],
): Html | null =>
  excluded.length === 0
    ? null
    : table(
        'In no number of this report, and why.',
        [
          { title: 'Image', cell: ({ id }) => id },
          { title: 'Set', cell: ({ set }) => set },
          ...more,
          { title: 'Why', cell: ({ error }) => error },
        ],
        excluded,
      );
