import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Marks } from './marks.ts';
import { drawMarks } from './marks.ts';
import type { FloatMap } from './paint.ts';
import { paintMap } from './paint.ts';
import type { Frame, View } from './view.ts';
import { scaleOf } from './view.ts';

/** What a pane shows. */
export interface PaneContent {
  readonly label: string;
  /** What lies beneath; null for nothing. */
  readonly picture: CanvasImageSource | null;
  /** What lies over it; null for nothing. */
  readonly map: FloatMap | null;
  /** How much of the map's colours there is, in [0, 1]. */
  readonly opacity: number;
  /** Whether low values let the picture through. */
  readonly weighted: boolean;
  readonly threshold: number | null;
  readonly marks: Marks | null;
}

interface Props {
  readonly content: PaneContent;
  readonly frame: Frame;
  readonly view: View;
}

/** More pixels of the screen for one of CSS are not worth their time. */
const mostDense = 2;

/** A canvas with a picture, a map over it and marks, as the view has it. */
export function Pane({ content, frame, view }: Props): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scratch = useRef<{ canvas: HTMLCanvasElement; raster: ImageData } | null>(null);
  const { pane } = frame;

  useLayoutEffect(() => {
    const target = canvas.current!;
    const density = Math.min(devicePixelRatio, mostDense);
    const [width, height] = [Math.round(pane.width * density), Math.round(pane.height * density)];
    if (width === 0 || height === 0) return;
    target.width = width;
    target.height = height;
    const context = target.getContext('2d')!;
    const cssScale = scaleOf(view, frame);
    const scale = cssScale * density;
    const left = view.centre.x - width / 2 / scale;
    const top = view.centre.y - height / 2 / scale;
    const toPicture = () => context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);

    if (content.picture) {
      toPicture();
      context.imageSmoothingEnabled = scale < 2;
      context.imageSmoothingQuality = 'high';
      context.drawImage(content.picture, 0, 0, frame.picture.width, frame.picture.height);
    }
    if (content.map) {
      if (scratch.current?.raster.width !== width || scratch.current.raster.height !== height) {
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        scratch.current = { canvas, raster: new ImageData(width, height) };
      }
      const { canvas: painted, raster } = scratch.current;
      const { opacity, weighted, threshold } = content;
      const style = { opacity, weighted, threshold, lineWidth: Math.round(density) };
      paintMap(raster, content.map, frame.picture, { left, top, scale }, style);
      painted.getContext('2d')!.putImageData(raster, 0, 0);
      context.resetTransform();
      context.drawImage(painted, 0, 0);
    }
    if (content.marks) {
      toPicture();
      drawMarks(context, content.marks, 1 / cssScale);
    }
  });

  return <canvas ref={canvas} role="img" aria-label={content.label} />;
}
