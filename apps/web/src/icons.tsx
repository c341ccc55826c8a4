import type { JSX } from 'preact';

/** Small drawings for buttons whose label says what they do. 20×20, lines in the text's colour. */
const icon = (path: string) => (): JSX.Element => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
    <path d={path} />
  </svg>
);

export const SunIcon = icon(
  'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM10 1.8v2M10 16.2v2M1.8 10h2M16.2 10h2M4.2 4.2l1.4 1.4M14.4 14.4l1.4 1.4M15.8 4.2l-1.4 1.4M5.6 14.4l-1.4 1.4',
);
export const MoonIcon = icon('M16.5 11.6A6.8 6.8 0 0 1 8.4 3.5a6.8 6.8 0 1 0 8.1 8.1Z');
export const BackIcon = icon('M12 4.5 6.5 10l5.5 5.5');
export const ForwardIcon = icon('M8 4.5l5.5 5.5L8 15.5');
export const PlusIcon = icon('M10 4v12M4 10h12');
export const MinusIcon = icon('M4 10h12');
export const CloseIcon = icon('M5 5l10 10M15 5 5 15');
export const DownloadIcon = icon('M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13');
export const PictureIcon = icon('M3 4.5h14v11H3zM3 13l4-4 4 4 2.5-2.5L17 14M13 7.6a.9.9 0 1 0 0 .01');
