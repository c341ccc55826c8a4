/** Where a pane looks: plain arithmetic, the same for every pane, so that all of them look at the same place. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What of a picture is seen. */
export interface View {
  /** 1 shows the whole picture. */
  readonly zoom: number;
  /** The point of the picture in the middle of the pane, in pixels of the picture. */
  readonly centre: Point;
}

/** A pane, in CSS pixels, and the picture in it. */
export interface Frame {
  readonly picture: Size;
  readonly pane: Size;
}

/** The most CSS pixels that one pixel of the picture may take. */
const largestScale = 32;

/** CSS pixels for one of the picture when the whole picture is seen. */
const fitScale = ({ picture, pane }: Frame): number =>
  Math.min(pane.width / picture.width, pane.height / picture.height);

/** CSS pixels for one of the picture. */
export const scaleOf = (view: View, frame: Frame): number => fitScale(frame) * view.zoom;

/** The whole picture. */
export const wholeView = ({ width, height }: Size): View => ({ zoom: 1, centre: { x: width / 2, y: height / 2 } });

/** The nearest view that shows no more beside the picture than it must. */
export function clampView({ zoom, centre }: View, frame: Frame): View {
  const { picture, pane } = frame;
  const fit = fitScale(frame);
  const clamped = Math.min(Math.max(zoom, 1), Math.max(largestScale / fit, 1));
  const within = (middle: number, extent: number, seen: number) =>
    seen >= extent ? extent / 2 : Math.min(Math.max(middle, seen / 2), extent - seen / 2);
  return {
    zoom: clamped,
    centre: {
      x: within(centre.x, picture.width, pane.width / (fit * clamped)),
      y: within(centre.y, picture.height, pane.height / (fit * clamped)),
    },
  };
}

/** Zooms by a factor, about a point of the pane that stays where it is. */
export function zoomAbout(view: View, frame: Frame, factor: number, at: Point): View {
  const before = toPicture(view, frame, at);
  const zoomed = clampView({ ...view, zoom: view.zoom * factor }, frame);
  const after = toPicture(zoomed, frame, at);
  const { x, y } = zoomed.centre;
  return clampView({ ...zoomed, centre: { x: x + before.x - after.x, y: y + before.y - after.y } }, frame);
}

/** Moves the picture by CSS pixels. */
export function panBy({ zoom, centre }: View, frame: Frame, dx: number, dy: number): View {
  const scale = scaleOf({ zoom, centre }, frame);
  return clampView({ zoom, centre: { x: centre.x - dx / scale, y: centre.y - dy / scale } }, frame);
}

/** The view of a part of the picture with some of what is around it. */
export function viewOf([x, y, width, height]: readonly [number, number, number, number], frame: Frame): View {
  const { picture, pane } = frame;
  const scale = Math.min(pane.width / width, pane.height / height) / 2.2;
  // A region that is a few pixels large is still shown with its surroundings.
  const zoom = Math.min(scale / fitScale(frame), Math.max(picture.width, picture.height) / 64, 12);
  return clampView({ zoom, centre: { x: x + width / 2, y: y + height / 2 } }, frame);
}

/** The point of the picture at a point of the pane. */
export function toPicture(view: View, frame: Frame, { x, y }: Point): Point {
  const scale = scaleOf(view, frame);
  return {
    x: view.centre.x + (x - frame.pane.width / 2) / scale,
    y: view.centre.y + (y - frame.pane.height / 2) / scale,
  };
}
