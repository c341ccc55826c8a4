import { UsageError } from '@forgelens/autograd';
import type { Backbone, BackboneDefinition } from './backbone.ts';
import { HrFormer, hrFormer, hrFormerOfficialName } from './hrformer.ts';
import { mit } from './mit.ts';
import { P2t, p2t, p2tOfficialName } from './p2t.ts';
import { PvtV2, pvtV2, pvtV2OfficialName } from './pvt-v2.ts';
import { res2Net } from './res2net.ts';
import { resNeSt } from './resnest.ts';
import { ResNet, resNet, resNetDOfficialName, resNetOfficialName } from './resnet.ts';

const inSnakeCase = (name: string): string =>
  name.replace('runningMean', 'running_mean').replace('runningVar', 'running_var');

const define = (create: () => Backbone, officialName: (name: string) => string): BackboneDefinition => ({
  create,
  officialName: name => officialName(inSnakeCase(name)),
});

/** The encoders that a localizer can take by name. */
export const backbones = {
  'resnet-50': define(() => new ResNet(resNet.r50), resNetOfficialName),
  'resnet-101': define(() => new ResNet(resNet.r101), resNetOfficialName),
  'res2net-50': define(() => new ResNet(res2Net.r50), resNetDOfficialName),
  'res2net-101': define(() => new ResNet(res2Net.r101), resNetDOfficialName),
  'resnest-50': define(() => new ResNet(resNeSt.r50), resNetDOfficialName),
  'mit-b0': define(() => new PvtV2(mit.b0), pvtV2OfficialName),
  'mit-b1': define(() => new PvtV2(mit.b1), pvtV2OfficialName),
  'mit-b2': define(() => new PvtV2(mit.b2), pvtV2OfficialName),
  'mit-b3': define(() => new PvtV2(mit.b3), pvtV2OfficialName),
  'mit-b4': define(() => new PvtV2(mit.b4), pvtV2OfficialName),
  'mit-b5': define(() => new PvtV2(mit.b5), pvtV2OfficialName),
  'p2t-tiny': define(() => new P2t(p2t.tiny), p2tOfficialName),
  'p2t-small': define(() => new P2t(p2t.small), p2tOfficialName),
  'p2t-base': define(() => new P2t(p2t.base), p2tOfficialName),
  'p2t-large': define(() => new P2t(p2t.large), p2tOfficialName),
  'pvt-v2-b0': define(() => new PvtV2(pvtV2.b0), pvtV2OfficialName),
  'pvt-v2-b1': define(() => new PvtV2(pvtV2.b1), pvtV2OfficialName),
  'pvt-v2-b2': define(() => new PvtV2(pvtV2.b2), pvtV2OfficialName),
  'pvt-v2-b3': define(() => new PvtV2(pvtV2.b3), pvtV2OfficialName),
  'pvt-v2-b4': define(() => new PvtV2(pvtV2.b4), pvtV2OfficialName),
  'pvt-v2-b5': define(() => new PvtV2(pvtV2.b5), pvtV2OfficialName),
  'hrformer-small': define(() => new HrFormer(hrFormer.small), hrFormerOfficialName),
  'hrformer-base': define(() => new HrFormer(hrFormer.base), hrFormerOfficialName),
} as const satisfies Record<string, BackboneDefinition>;

export type BackboneName = keyof typeof backbones;

/**
 * Makes the encoder of this name.
 * @throws {UsageError} when there is none
 */
export function createBackbone(name: BackboneName): Backbone {
  if (!Object.hasOwn(backbones, name))
    throw new UsageError(`unknown backbone "${name}" (backbones: ${Object.keys(backbones).join(', ')})`);
  return backbones[name].create();
}
