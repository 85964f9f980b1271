/**
 * Cropping, flipping and resizing with torchvision's rounding rules, on 8-bit pictures. Stands
 * between decoding and the batch; augmentation and preprocessing are made of these. Invariant: the
 * input is never written; where nothing changes, the same picture comes back.
 * Source of the rules: torchvision/transforms/functional.py.
 */
import { type CropBox, checkCropBox, makePicture, type Picture, type PictureSize, pictureBytes } from './picture.ts';
import { resizeBilinear, resizePart } from './resample.ts';

/** Rounds to the nearest integer, halves to the even one, as Python's `round` does. */
export function roundHalfToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

/**
 * The part of a picture inside `box`, which must lie within it.
 * @param output room for the bytes, used where the part is not the whole
 */
export function crop(picture: Picture, box: CropBox, output?: Uint8Array): Picture {
  const { x, y, width, height } = box;
  checkCropBox(picture, box);
  if (width === picture.width && height === picture.height) return picture;
  const data = output ?? new Uint8Array(pictureBytes(box));
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * picture.width + x) * 3;
    data.set(picture.data.subarray(start, start + width * 3), row * width * 3);
  }
  return makePicture(width, height, data);
}

/** The size after torchvision's `Resize(size)`: the short side becomes `size`, the long side is cut to an integer. */
export function shortSideSize(picture: PictureSize, size: number): PictureSize {
  const short = Math.min(picture.width, picture.height);
  const long = Math.max(picture.width, picture.height);
  const newLong = Math.trunc((size * long) / short);
  return picture.width <= picture.height ? { width: size, height: newLong } : { width: newLong, height: size };
}

/** Resizes so that the short side is `size` pixels, keeping the aspect ratio (torchvision `Resize(size)`). */
export function resizeShortSide(picture: Picture, size: number): Picture {
  const { width, height } = shortSideSize(picture, size);
  return resizeBilinear(picture, width, height);
}

/** `resizeShortSide`, for pictures whose short side is longer alone. */
export function reduceShortSide(picture: Picture, size: number | undefined): Picture {
  return size === undefined || Math.min(picture.width, picture.height) <= size
    ? picture
    : resizeShortSide(picture, size);
}

/** Black borders, so that each side is at least as long as asked; the odd pixel goes right and below. */
function padTo(picture: Picture, width: number, height: number): Picture {
  const newWidth = Math.max(picture.width, width);
  const newHeight = Math.max(picture.height, height);
  if (newWidth === picture.width && newHeight === picture.height) return picture;
  const left = (newWidth - picture.width) >> 1;
  const top = (newHeight - picture.height) >> 1;
  const data = new Uint8Array(newWidth * newHeight * 3);
  for (let row = 0; row < picture.height; row++) {
    const start = row * picture.width * 3;
    const target = ((top + row) * newWidth + left) * 3;
    data.set(picture.data.subarray(start, start + picture.width * 3), target);
  }
  return makePicture(newWidth, newHeight, data);
}

/** The middle of a picture that is as large as it at least. */
function centerBox(picture: PictureSize, width: number, height: number): CropBox {
  const x = roundHalfToEven((picture.width - width) / 2);
  const y = roundHalfToEven((picture.height - height) / 2);
  return { x, y, width, height };
}

/** The middle `width` x `height` pixels (torchvision `CenterCrop`); smaller pictures get black borders. */
export function centerCrop(picture: Picture, width: number, height = width): Picture {
  const padded = padTo(picture, width, height);
  return crop(padded, centerBox(padded, width, height));
}

/**
 * What `resizeShortSide` to `size` and `centerCrop` to `side` give, and no other pixels made: the long side may be as long as it will.
 * @param output room for the bytes, used where `side` is at most `size` and not all of the picture is taken as it is
 */
export function resizeCenter(picture: Picture, size: number, side: number, output?: Uint8Array): Picture {
  if (side > size) return centerCrop(resizeShortSide(picture, size), side);
  const resized = shortSideSize(picture, size);
  const center = centerBox(resized, side, side);
  if (resized.width === picture.width && resized.height === picture.height) return crop(picture, center, output);
  return resizePart(picture, resized, center, output);
}

/** Left and right exchanged. */
export function flipHorizontal(picture: Picture): Picture {
  const { width, height, data } = picture;
  const flipped = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    let read = row * width * 3;
    let write = read + (width - 1) * 3;
    for (let x = 0; x < width; x++) {
      flipped[write] = data[read] as number;
      flipped[write + 1] = data[read + 1] as number;
      flipped[write + 2] = data[read + 2] as number;
      read += 3;
      write -= 3;
    }
  }
  return makePicture(width, height, flipped);
}

/** Top and bottom exchanged. */
export function flipVertical(picture: Picture): Picture {
  const { width, height, data } = picture;
  const rowBytes = width * 3;
  const flipped = new Uint8Array(data.length);
  for (let row = 0; row < height; row++) {
    flipped.set(data.subarray(row * rowBytes, (row + 1) * rowBytes), (height - 1 - row) * rowBytes);
  }
  return makePicture(width, height, flipped);
}
