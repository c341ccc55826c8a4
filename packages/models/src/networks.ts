import { UsageError } from '@forgelens/autograd';
import type { HrFormerConfig } from './backbones/hrformer.ts';
import { hrFormer } from './backbones/hrformer.ts';
import type { BackboneName } from './backbones/index.ts';
import { createBackbone } from './backbones/index.ts';
import { pvtV2 } from './backbones/pvt-v2.ts';
import type { CdflConfig } from './cdfl.ts';
import { Cdfl, cdfl } from './cdfl.ts';
import type { M2SFormerConfig } from './m2sformer.ts';
import { M2SFormer, m2sformer } from './m2sformer.ts';
import type { MpcConfig } from './mpc.ts';
import { Mpc, MpcContrast, mpc, mpcContrast } from './mpc.ts';
import type { LocalizerNetwork, ModelDefinition } from './network.ts';
import type { SdpalConfig } from './sdpal.ts';
import { Sdpal, sdpal } from './sdpal.ts';
import { TraceNet, traceNet } from './trace-net.ts';
import { TrioNet, trioNet } from './trio-net.ts';
import type { UNetConfig } from './unet.ts';
import { UNet, unet } from './unet.ts';

/** A network in words: plain JSON, for configurations and checkpoints. What is left out is the network's default. */
export type NetworkSpec =
  | { readonly id: 'tracenet' }
  | { readonly id: 'trionet' }
  | ({ readonly id: 'unet' } & Partial<UNetConfig>)
  | ({ readonly id: 'm2sformer'; readonly backbone?: BackboneName | PvtSize } & Partial<
      Omit<M2SFormerConfig, 'backbone' | 'textEmbedding'>
    >)
  | ({ readonly id: 'cdfl' } & Partial<CdflConfig>)
  | ({ readonly id: 'sdpal' } & Partial<SdpalConfig>)
  | ({ readonly id: 'mpc'; readonly backbone?: HrFormerSize } & Partial<Omit<MpcConfig, 'backbone'>>)
  | { readonly id: 'mpc-contrast'; readonly backbone?: HrFormerSize };

/** One of the sizes of the publication, or another. */
type HrFormerSize = keyof typeof hrFormer | HrFormerConfig;
const hrFormerOf = (size: HrFormerSize): HrFormerConfig => (typeof size === 'string' ? hrFormer[size] : size);

/** A size alone is one of PVT-v2, the publication's encoder. */
type PvtSize = keyof typeof pvtV2;
const isPvtSize = (name: string): name is PvtSize => Object.hasOwn(pvtV2, name);

/** The networks that a configuration can name. */
export const networks = {
  tracenet: traceNet,
  trionet: trioNet,
  unet,
  m2sformer,
  cdfl,
  sdpal,
  mpc,
  'mpc-contrast': mpcContrast,
} as const satisfies Record<NetworkSpec['id'], ModelDefinition>;

/**
 * Makes the network that a configuration or a checkpoint describes.
 * @throws {UsageError} when there is no network of this id
 */
export function createNetwork(spec: NetworkSpec): LocalizerNetwork {
  switch (spec.id) {
    case 'tracenet':
      return new TraceNet();
    case 'trionet':
      return new TrioNet();
    case 'unet':
      return new UNet(spec.widths && { widths: spec.widths });
    case 'm2sformer': {
      const { backbone, ...config } = spec;
      return new M2SFormer({
        ...config,
        ...(backbone && { backbone: createBackbone(isPvtSize(backbone) ? `pvt-v2-${backbone}` : backbone) }),
      });
    }
    case 'cdfl':
      return new Cdfl(spec);
    case 'sdpal':
      return new Sdpal(spec);
    case 'mpc': {
      const { backbone, ...config } = spec;
      return new Mpc({ ...config, ...(backbone && { backbone: hrFormerOf(backbone) }) });
    }
    case 'mpc-contrast':
      return new MpcContrast(spec.backbone && { backbone: hrFormerOf(spec.backbone) });
    default:
      throw new UsageError(
        `unknown model "${(spec as { id: string }).id}" (models: ${Object.keys(networks).join(', ')})`,
      );
  }
}
