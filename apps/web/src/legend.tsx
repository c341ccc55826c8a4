import { mapColour } from '@forgelens/imaging/pixels';
import type { JSX } from 'preact';
import { strings } from './strings.ts';

interface Props {
  readonly scale: { readonly zero: string; readonly one: string };
  /** Marked on the scale; null for none. */
  readonly threshold: number | null;
}

const stops = Array.from({ length: 9 }, (_, i) => `rgb(${mapColour(i / 8).join(' ')})`).join(', ');

/** What the colours of a map mean. Lightness rises evenly, so they are told apart without seeing colour. */
export const Legend = ({ scale, threshold }: Props): JSX.Element => (
  <div class="legend" role="group" aria-label={strings.viewer.legend}>
    <span>{scale.zero}</span>
    <span class="ramp" style={{ backgroundImage: `linear-gradient(to right, ${stops})` }}>
      {threshold !== null && <i style={{ left: `${100 * threshold}%` }} />}
    </span>
    <span>{scale.one}</span>
  </div>
);
