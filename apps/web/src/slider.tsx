import type { JSX } from 'preact';

interface Props {
  readonly label: string;
  readonly value: number;
  /** The value as it is read. */
  readonly text: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
}

/** A value that answers while it is moved. */
export const Slider = ({ label, value, text, min, max, step, onChange }: Props): JSX.Element => (
  <label class="slider">
    <span>{label}</span>
    <output class="number">{text}</output>
    <input
      type="range"
      {...{ min, max, step, value }}
      aria-label={label}
      aria-valuetext={text}
      style={{ '--part': `${(100 * (value - min)) / (max - min)}%` }}
      onInput={event => onChange(event.currentTarget.valueAsNumber)}
    />
  </label>
);
