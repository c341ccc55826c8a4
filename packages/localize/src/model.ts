import { CheckpointError } from '@forgelens/autograd';
import type { Checkpoint, FileWeights, LocalizerNetwork, ModelDefinition, SizePolicy } from '@forgelens/models';
import { createNetwork, networks } from '@forgelens/models';
import { countParameters } from '@forgelens/nn';
import type { ModelCard, ModelInfo, OperatingPoint } from './localizer.ts';
import { describeSizePolicy } from './network-localizer.ts';
import { scoreRule } from './score.ts';

/** The model that is used unless another one is named. */
export const defaultModel = 'trionet';

/** What every network gets to see. */
export const inputContract = 'RGB, [0, 1], normalized by the network itself';

/** What `card.json` beside shipped weights says. */
export interface ShippedCard {
  readonly version: string;
  readonly licence: string;
  readonly scores: ModelCard['scores'];
  /** As `tools/models/operating-point.ts` writes it. */
  readonly operatingPoint?: MeasuredPoint;
}

/** An operating point with what it was measured for: it says nothing of other weights, or of a score by another rule. */
export interface MeasuredPoint extends OperatingPoint {
  readonly weightsSha256: string;
  readonly scoreRule: string;
}

/** The operating point of a card, for weights that it was measured for; else null. */
export function operatingPointFor(card: Pick<ShippedCard, 'operatingPoint'>, sha256: string): OperatingPoint | null {
  if (card.operatingPoint === undefined) return null;
  const { weightsSha256, scoreRule: rule, ...point } = card.operatingPoint;
  return weightsSha256 === sha256 && rule === scoreRule ? point : null;
}

/** A network with weights that fit it, and what is known of both. */
export interface OpenedModel {
  readonly network: LocalizerNetwork;
  /** Large ones may stay in their file, which must not be written to as long as the model is in use. */
  readonly weights: FileWeights;
  readonly sizePolicy: SizePolicy;
  readonly info: ModelInfo;
  /** Names the weights in errors. */
  readonly who: string;
}

/** Where weights come from. */
export interface WeightsOrigin {
  /** Names the weights in errors. */
  readonly who: string;
  readonly sha256: string;
  /** The id and the card under which they ship; null for those of a user. */
  readonly shipped: { readonly id: string; readonly card: ShippedCard } | null;
}

/**
 * The model that a checkpoint belongs to.
 *
 * @throws {CheckpointError} when it does not name a known network
 */
export function modelOf(
  { model, metadata, weights }: Checkpoint<FileWeights>,
  { who, sha256, shipped }: WeightsOrigin,
): OpenedModel {
  if (model === null)
    throw new CheckpointError(
      who,
      'it does not say which network its weights belong to (metadata entry "model" is missing)',
    );
  if (!Object.hasOwn(networks, model.id))
    throw new CheckpointError(
      who,
      `its weights belong to the network "${model.id}", which is not known here (models: ${Object.keys(networks).join(', ')}); use the version that trained it`,
    );
  const network = createNetwork(model);
  const { title, sizePolicy, limitations }: ModelDefinition = networks[model.id];
  const info = {
    id: shipped?.id ?? model.id,
    version: shipped?.card.version ?? metadata['step'] ?? 'unversioned',
    name: title,
    parameters: countParameters(network),
    licence: shipped?.card.licence ?? metadata['licence'] ?? 'not stated',
    weightsSha256: sha256,
    input: inputContract,
    sizePolicy: describeSizePolicy(sizePolicy),
    scoreRule,
    operatingPoint: shipped && operatingPointFor(shipped.card, sha256),
    limitations,
  };
  return { network, weights, sizePolicy, info, who };
}
