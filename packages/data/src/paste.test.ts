import { Random } from '@forgelens/autograd';
import { emptyMask, filledImage, type Mask } from '@forgelens/imaging';
import { expect, test } from 'vitest';
import { pasteInto } from './paste.ts';

const [dark, bright] = [filledImage(96, 64, [20, 20, 20]), filledImage(80, 80, [230, 230, 230])];

/** A rectangle somewhere in a picture of another size. */
function rectangle(width: number, height: number): Mask {
  const mask = emptyMask(120, 70);
  for (let y = 10; y < 10 + height; y++) mask.data.fill(1, y * 120 + 30, y * 120 + 30 + width);
  return mask;
}

test('what is pasted lies where the mask says, and nowhere else', async () => {
  for (const seed of [1, 2, 3, 4]) {
    const pasted = await pasteInto(new Random(seed), dark, bright, rectangle(30, 25));
    const { image, mask } = pasted!;
    expect([image.width, image.height, mask.width, mask.height]).toEqual([96, 64, 96, 64]);
    const agreeing = mask.data.reduce((n, marked, i) => n + Number(image.data[3 * i]! > 125 === (marked === 1)), 0);
    // A soft edge and a JPEG move a pixel here and there.
    expect(agreeing / mask.data.length).toBeGreaterThan(0.97);
    expect(mask.data.reduce((n, marked) => n + marked, 0)).toBeGreaterThan(600);
  }
});

test('a shape that covers too little or too much is refused', async () => {
  expect(await pasteInto(new Random(1), dark, bright, rectangle(5, 25))).toBeNull();
  expect(await pasteInto(new Random(1), dark, bright, rectangle(90, 60))).toBeNull();
});
