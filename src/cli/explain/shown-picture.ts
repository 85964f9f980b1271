/**
 * The part of a picture that the network sees, drawn from the original: sharper than what the network
 * gets, in the same frame, so that a heat map lies right on it.
 */
import type { Picture } from '../../data/picture.ts';
import type { Preprocessing } from '../../data/preprocess.ts';
import { type Box, resizeBilinear } from '../../data/resample.ts';
import { roundHalfToEven, shortSideSize } from '../../data/transform.ts';
import type { Bitmap } from '../../report/heat-map.node.ts';

/** Up to this side pictures are enlarged by whole pixels, so that these can be seen. */
const SMALL_SIDE = 112;

/** The square that the network sees, in pixels of the original (`evaluationPicture` resizes, then crops the centre). */
export function seenBox(picture: Picture, { resize, resolution }: Preprocessing): Box {
  const resized = shortSideSize(picture, resize);
  const [scaleX, scaleY] = [picture.width / resized.width, picture.height / resized.height];
  const left = roundHalfToEven((resized.width - resolution) / 2) * scaleX;
  const top = roundHalfToEven((resized.height - resolution) / 2) * scaleY;
  const right = Math.min(left + resolution * scaleX, picture.width);
  return [left, top, right, Math.min(top + resolution * scaleY, picture.height)];
}

function nearest(picture: Picture, [left, top, right, bottom]: Box, side: number): Uint8Array {
  const data = new Uint8Array(3 * side * side);
  for (let y = 0; y < side; y++) {
    const row = Math.min(Math.floor(top + ((y + 0.5) * (bottom - top)) / side), picture.height - 1);
    for (let x = 0; x < side; x++) {
      const column = Math.min(Math.floor(left + ((x + 0.5) * (right - left)) / side), picture.width - 1);
      const from = 3 * (row * picture.width + column);
      data.set(picture.data.subarray(from, from + 3), 3 * (y * side + x));
    }
  }
  return data;
}

/** @param side of the drawn square, pixels */
export function drawSeen(picture: Picture, box: Box, side: number): Bitmap {
  const [left, , right] = box;
  const data =
    right - left <= SMALL_SIDE
      ? nearest(picture, box, side)
      : Uint8Array.from(resizeBilinear(picture, side, side, box).data);
  return { width: side, height: side, channels: 3, data };
}

/** The whole picture, so that neither side is longer than `longest`; small ones are enlarged by a whole factor. */
export function drawWhole(picture: Picture, longest: number): Bitmap {
  const long = Math.max(picture.width, picture.height);
  if (long * 2 <= longest) {
    const factor = Math.floor(longest / long);
    const [width, height] = [picture.width * factor, picture.height * factor];
    const data = new Uint8Array(3 * width * height);
    for (let pixel = 0; pixel < width * height; pixel++) {
      const [x, y] = [Math.floor((pixel % width) / factor), Math.floor(pixel / width / factor)];
      const from = 3 * (y * picture.width + x);
      data.set(picture.data.subarray(from, from + 3), 3 * pixel);
    }
    return { width, height, channels: 3, data };
  }
  const factor = Math.min(1, longest / long);
  const [width, height] = [picture.width, picture.height].map((size) => Math.max(1, Math.round(size * factor)));
  const { data } = resizeBilinear(picture, width as number, height as number);
  return { width: width as number, height: height as number, channels: 3, data: Uint8Array.from(data) };
}
