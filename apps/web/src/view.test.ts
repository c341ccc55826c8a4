import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Frame, View } from './view.ts';
import { clampView, panBy, scaleOf, toPicture, viewOf, wholeView, zoomAbout } from './view.ts';

const frame: Frame = { picture: { width: 400, height: 200 }, pane: { width: 800, height: 600 } };
const whole = wholeView(frame.picture);

test('the whole picture fits into the pane, in its middle', () => {
  expect(scaleOf(whole, frame)).toBe(2);
  expect(toPicture(whole, frame, { x: 0, y: 100 })).toEqual({ x: 0, y: 0 });
  expect(toPicture(whole, frame, { x: 800, y: 500 })).toEqual({ x: 400, y: 200 });
});

test('what is under the pointer stays there while it zooms', () => {
  const at = { x: 500, y: 300 };
  const before = toPicture(whole, frame, at);
  const after = toPicture(zoomAbout(whole, frame, 3, at), frame, at);
  expect(after.x).toBeCloseTo(before.x, 9);
  expect(after.y).toBeCloseTo(before.y, 9);
});

test('no gesture leaves the picture, or zooms in or out without end', () => {
  const gesture = fc.oneof(
    fc.record({ factor: fc.double({ min: 0.05, max: 20, noNaN: true }), x: fc.integer({ min: 0, max: 800 }) }),
    fc.record({ dx: fc.integer({ min: -5000, max: 5000 }), dy: fc.integer({ min: -5000, max: 5000 }) }),
  );
  fc.assert(
    fc.property(fc.array(gesture, { maxLength: 12 }), gestures => {
      const view = gestures.reduce<View>(
        (view, one) =>
          'factor' in one
            ? zoomAbout(view, frame, one.factor, { x: one.x, y: 200 })
            : panBy(view, frame, one.dx, one.dy),
        whole,
      );
      const [topLeft, bottomRight] = [
        toPicture(view, frame, { x: 0, y: 0 }),
        toPicture(view, frame, { x: 800, y: 600 }),
      ];
      expect(topLeft.x).toBeGreaterThanOrEqual(-1e-6);
      expect(bottomRight.x).toBeLessThanOrEqual(400 + 1e-6);
      expect(scaleOf(view, frame)).toBeGreaterThanOrEqual(2);
      expect(scaleOf(view, frame)).toBeLessThanOrEqual(32);
    }),
    { seed: 1 },
  );
});

test('a region is shown in the middle with what is around it, or at the border as near as it goes', () => {
  const { zoom, centre } = viewOf([180, 80, 40, 40], frame);
  expect(centre).toEqual({ x: 200, y: 100 });
  expect(zoom).toBeGreaterThan(2);
  expect(viewOf([0, 0, 40, 40], frame).centre.x).toBeGreaterThan(20);
  expect(clampView(viewOf([0, 0, 400, 200], frame), frame)).toEqual(whole);
});
