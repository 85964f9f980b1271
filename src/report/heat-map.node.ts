/**
 * Pictures of values over a plane: a heat map by itself, one laid over a picture, a sheet of many small
 * ones. Colours run from black over purple and orange to pale yellow, evenly for the eye, in print and
 * for colour-blind readers. Pure up to `encodePng`; equal values give equal pixels.
 */
import { assert } from '../base/errors.ts';

/** Values row by row. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  readonly values: ArrayLike<number>;
}

/** Pixels row by row, `channels` bytes each: red, green, blue and perhaps alpha. */
export interface Bitmap {
  readonly height: number;
  readonly width: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Evenly spaced colours of the `inferno` map. Source: Smith and van der Walt, matplotlib 1.5 (CC0). */
const ANCHORS: readonly Rgb[] = [
  [0, 0, 4],
  [33, 12, 74],
  [87, 16, 110],
  [138, 34, 106],
  [188, 55, 84],
  [228, 90, 49],
  [249, 140, 10],
  [249, 201, 50],
  [252, 255, 164],
];

/** The colour of a value from 0 to 1; values beyond have the colour of the end. */
export function heatColour(value: number): Rgb {
  const place = Math.min(Math.max(value, 0), 1) * (ANCHORS.length - 1);
  const low = Math.min(Math.floor(place), ANCHORS.length - 2);
  const [from, to] = [ANCHORS[low] as Rgb, ANCHORS[low + 1] as Rgb];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * (place - low));
  return [mix(0), mix(1), mix(2)];
}

/** The least and the greatest value. */
export function valueRange({ values }: Plane): { least: number; greatest: number } {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let index = 0; index < values.length; index++) {
    least = Math.min(least, values[index] as number);
    greatest = Math.max(greatest, values[index] as number);
  }
  return { least, greatest };
}

/** The two values that an enlarged place lies between, and how far it is towards the second. */
function neighbours(place: number, from: number, to: number): { first: number; second: number; share: number } {
  const centre = Math.min(Math.max(((place + 0.5) * from) / to - 0.5, 0), from - 1);
  const first = Math.floor(centre);
  return { first, second: Math.min(first + 1, from - 1), share: centre - first };
}

/** Bilinear: values stand in the middle of their cells and go over into each other; the border goes on outwards. */
export function enlarge(plane: Plane, width: number, height: number): Plane {
  const values = new Float64Array(width * height);
  const at = (row: number, column: number) => plane.values[row * plane.width + column] as number;
  for (let y = 0; y < height; y++) {
    const rows = neighbours(y, plane.height, height);
    for (let x = 0; x < width; x++) {
      const columns = neighbours(x, plane.width, width);
      const upper =
        at(rows.first, columns.first) * (1 - columns.share) + at(rows.first, columns.second) * columns.share;
      const lower =
        at(rows.second, columns.first) * (1 - columns.share) + at(rows.second, columns.second) * columns.share;
      values[y * width + x] = upper * (1 - rows.share) + lower * rows.share;
    }
  }
  return { width, height, values };
}

/** Colours for values between `least` and `greatest`; where these are equal, all of them are cold. */
function coloured(plane: Plane, least: number, greatest: number): Bitmap {
  const { width, height, values } = plane;
  const range = greatest > least ? greatest - least : Number.POSITIVE_INFINITY;
  const data = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.set(heatColour(((values[pixel] as number) - least) / range), 3 * pixel);
  }
  return { width, height, channels: 3, data };
}

/** A heat map: 0 is cold, the greatest value hot. */
export function drawHeat(heat: Plane, width: number, height: number): Bitmap {
  return coloured(enlarge(heat, width, height), 0, valueRange(heat).greatest);
}

/** How much of the heat's colour covers the picture where it is cold and where it is hot. */
const COLD_COVER = 0.3;
const HOT_COVER = 0.7;

/** A heat map over a picture: cold parts are darkened, hot ones glow. Without any heat the picture stays as it is. */
export function drawHeatOver(picture: Bitmap, heat: Plane): Bitmap {
  const { width, height, data } = picture;
  assert(picture.channels === 3, 'a picture without alpha');
  const { greatest } = valueRange(heat);
  if (!(greatest > 0)) return picture;
  const over = new Uint8Array(data.length);
  const large = enlarge(heat, width, height).values;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const value = (large[pixel] as number) / greatest;
    const cover = COLD_COVER + (HOT_COVER - COLD_COVER) * value;
    heatColour(value).forEach((level, channel) => {
      const at = 3 * pixel + channel;
      over[at] = Math.round((1 - cover) * (data[at] as number) + cover * level);
    });
  }
  return { width, height, channels: 3, data: over };
}

/** Pixels a side of a map on a sheet: small maps are enlarged by whole factors to about this. */
const TILE = 96;
/** Larger maps are reduced to this. */
const LARGEST_TILE = 128;
const TILE_GAP = 4;

/** A map with whole cells enlarged, from its own least value to its own greatest. */
function tile(plane: Plane): Bitmap {
  const long = Math.max(plane.width, plane.height);
  const { least, greatest } = valueRange(plane);
  if (long > LARGEST_TILE) {
    const [width, height] = [plane.width, plane.height].map((side) =>
      Math.max(1, Math.round((side * LARGEST_TILE) / long)),
    );
    return coloured(enlarge(plane, width as number, height as number), least, greatest);
  }
  const factor = Math.max(1, Math.floor(TILE / long));
  const small = coloured(plane, least, greatest);
  const [width, height] = [plane.width * factor, plane.height * factor];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 3 * (Math.floor(y / factor) * plane.width + Math.floor(x / factor));
      data.set(small.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, channels: 3, data };
}

/** Many maps of one size, row by row; what is between them is transparent. Each has colours for its own range. */
export function drawMapSheet(planes: readonly Plane[], columns: number): Bitmap {
  const tiles = planes.map(tile);
  const [first] = tiles;
  assert(first !== undefined, 'a sheet has maps');
  const [pitchX, pitchY] = [first.width + TILE_GAP, first.height + TILE_GAP];
  const width = Math.min(columns, tiles.length) * pitchX - TILE_GAP;
  const height = Math.ceil(tiles.length / columns) * pitchY - TILE_GAP;
  const data = new Uint8Array(4 * width * height);
  tiles.forEach((bitmap, place) => {
    const [left, top] = [(place % columns) * pitchX, Math.floor(place / columns) * pitchY];
    for (let pixel = 0; pixel < bitmap.width * bitmap.height; pixel++) {
      const [x, y] = [left + (pixel % bitmap.width), top + Math.floor(pixel / bitmap.width)];
      data.set(bitmap.data.subarray(3 * pixel, 3 * pixel + 3), 4 * (y * width + x));
      data[4 * (y * width + x) + 3] = 255;
    }
  });
  return { width, height, channels: 4, data };
}

/** A PNG file. */
export async function encodePng({ width, height, channels, data }: Bitmap): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 9 }).toBuffer();
}
