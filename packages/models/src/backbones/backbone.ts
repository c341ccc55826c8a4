import type { Value } from '@forgelens/autograd';
import type { Context, Module } from '@forgelens/nn';

/** An encoder that any localizer can take. */
export interface Backbone extends Module {
  /** Channels of its four maps, finest first. */
  readonly widths: readonly [number, number, number, number];
  /**
   * [N, 3, H, W], normalized → four maps [N, widths[i], H / 2^(i+2), W / 2^(i+2)]; H and W divisible by 32.
   */
  forward(image: Value, ctx: Context): readonly Value[];
}

/** A published encoder: how it is made, and how its published weights name its parameters. */
export interface BackboneDefinition {
  readonly create: () => Backbone;
  /** The name in the published weights of a parameter of ours: stages.0.0.norm1.runningVar → layer1.0.bn1.running_var. */
  readonly officialName: (name: string) => string;
}
