/**
 * `npx tsx tools/models/costs.ts` prints what encoders and the ablations of M2SFormer take, as the tables in
 * docs/models/backbones.md and docs/models/m2sformer.md.
 */
import { pathToFileURL } from 'node:url';
import type { Value } from '@forgelens/autograd';
import { build, costOf, input } from '@forgelens/autograd';
import type { BackboneName } from '@forgelens/models';
import { backbones, costOfNetwork, createBackbone, createNetwork, m2sformerAblations } from '@forgelens/models';
import { countParameters, evaluation, namedParameters } from '@forgelens/nn';

/** Where encoders are from, and on which terms their published weights may be used, by the beginning of their names. */
const sources: Readonly<Record<string, { readonly paper: string; readonly licence: string }>> = {
  resnet: { paper: '[He et al. 2016](https://arxiv.org/abs/1512.03385)', licence: 'torchvision: BSD-3-Clause' },
  res2net: { paper: '[Gao et al. 2019](https://arxiv.org/abs/1904.01169)', licence: 'CC BY-NC-SA 4.0' },
  resnest: { paper: '[Zhang et al. 2020](https://arxiv.org/abs/2004.08955)', licence: 'Apache-2.0' },
  mit: { paper: '[Xie et al. 2021](https://arxiv.org/abs/2105.15203)', licence: 'NVIDIA, research only' },
  p2t: { paper: '[Wu et al. 2022](https://arxiv.org/abs/2106.12011)', licence: 'CC BY-NC-SA 4.0' },
  pvt: { paper: '[Wang et al. 2022](https://arxiv.org/abs/2106.13797)', licence: 'Apache-2.0' },
  hrformer: { paper: '[Yuan et al. 2021](https://arxiv.org/abs/2110.09408)', licence: 'MIT' },
};

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const billions = (n: number): string => (n / 1e9).toFixed(2);
const grouped = (n: number): string => n.toLocaleString('en');

function backboneRow(name: BackboneName): string[] {
  const backbone = createBackbone(name);
  const image = input('float32', [1, 3, 256, 256]);
  const maps = backbone.forward(image, evaluation()).map((map, i): [string, Value] => [`map${i}`, map]);
  const inputs = { image, ...Object.fromEntries(namedParameters(backbone)) };
  const { multiplyAdds } = costOf(build({ inputs, outputs: Object.fromEntries(maps) }));
  const { paper, licence } = sources[name.split('-')[0]!]!;
  const widths = backbone.widths.join(', ');
  return [`\`${name}\``, grouped(countParameters(backbone)), billions(total(multiplyAdds)), widths, paper, licence];
}

/** What every encoder of the table takes. */
export const backboneTable = (): string[][] => [
  ['Name', 'Parameters', 'G at 256²', 'Channels of its maps', 'Source', 'Licence of published weights'],
  ...(Object.keys(backbones) as BackboneName[]).map(backboneRow),
];

const deviation = (ours: number, published: number): string => {
  const percent = 100 * (ours / published - 1);
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`;
};

/** The published costs of M2SFormer's ablations beside ours, and beside what the published ones seem to have counted. */
export const ablationTable = (): string[][] => [
  [
    'Setting',
    '`--set`',
    'Parameters',
    'published',
    'differ',
    'G at 256²',
    'published',
    'differ',
    'G at 352²',
    'differ',
  ],
  ...m2sformerAblations.map(({ setting, config, parameters, multiplyAdds: published }) => {
    const network = createNetwork({ id: 'm2sformer', ...config });
    const ours = countParameters(network);
    const multiplyAdds = total(costOfNetwork(network, 256).multiplyAdds);
    const { MatMul: _products, ...layers } = costOfNetwork(network, 352).multiplyAdds;
    const settings = Object.entries(config).map(([key, value]) => `\`model.${key}=${value}\``);
    return [
      ...[setting, settings.join(' ') || 'none'],
      ...[grouped(ours), `${(parameters / 1e6).toFixed(1)} M`, deviation(ours, parameters)],
      ...[billions(multiplyAdds), (published / 1e9).toFixed(1), deviation(multiplyAdds, published)],
      ...[billions(total(layers)), deviation(total(layers), published)],
    ];
  }),
];

/** A table in Markdown, its first row the heads. */
export const markdown = ([heads, ...rows]: readonly (readonly string[])[]): string =>
  [heads!, heads!.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  console.log(`${markdown(backboneTable())}\n\n${markdown(ablationTable())}`);
