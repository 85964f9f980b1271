/**
 * Preprocessing: picture files of every kind through bneck's decoder and evaluation preset, against
 * Pillow and torchvision's (EXIF orientation applied). Pixels are bytes here, so a limit of 1/255 is
 * one step; both networks normalise the same way from there on.
 */
import { join } from 'node:path';
import { decodePicture, defaultPreprocessing, evaluationPicture } from './bneck.js';
import { largestDifference, worse } from './differences.js';
import { PeerTensors, withFolder } from './peer.js';

/** @typedef {{ type: 'jpg' | 'png', mode: string, width: number, height: number, orientation?: number, quality?: number, subsampling?: number, progressive?: boolean }} PictureSpec */

/** 1/255 of the range, as pixels in [0, 1] have it. */
const LIMIT = 1 / 255;
const BYTES_A_RANGE = 255;

/** torchvision's two presets for 224 pixels, one for a low resolution with its crop, and one that mostly enlarges. */
const PRESETS = [
  { resize: 256, resolution: 224 },
  { resize: 232, resolution: 224 },
  { resize: 110, resolution: 96 },
  { resize: 439, resolution: 383 },
];

/** @type {[string, PictureSpec[]][]} */
const GROUPS = [
  [
    'PNG, RGB, large, small and odd sizes',
    [
      [640, 480],
      [481, 1013],
      [33, 17],
      [1, 1],
      [256, 256],
      [224, 301],
    ].map(([width, height]) => ({ type: 'png', mode: 'RGB', width: Number(width), height: Number(height) })),
  ],
  [
    'JPEG, RGB, large, small and odd sizes',
    [
      [1023, 767],
      [479, 640],
      [57, 93],
      [7, 5],
      [232, 232],
    ].map(([width, height]) => ({ type: 'jpg', mode: 'RGB', width: Number(width), height: Number(height) })),
  ],
  [
    'JPEG, 4:4:4, 4:2:2, 4:2:0, low quality, progressive',
    [
      { subsampling: 0, quality: 95 },
      { subsampling: 1, quality: 75 },
      { subsampling: 2, quality: 30 },
      { progressive: true },
    ].map((options) => ({ type: 'jpg', mode: 'RGB', width: 333, height: 251, ...options })),
  ],
  [
    'gray',
    [
      { type: 'png', mode: 'L', width: 301, height: 199 },
      { type: 'jpg', mode: 'L', width: 199, height: 301 },
    ],
  ],
  [
    'alpha and palette',
    [
      { type: 'png', mode: 'RGBA', width: 301, height: 287 },
      { type: 'png', mode: 'LA', width: 120, height: 87 },
      { type: 'png', mode: 'P', width: 287, height: 301 },
    ],
  ],
  [
    'JPEG, EXIF orientations 1 to 8',
    [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => ({ type: 'jpg', mode: 'RGB', width: 321, height: 243, orientation })),
  ],
  [
    'PNG, EXIF orientations 3, 6 and 8',
    [3, 6, 8].map((orientation) => ({ type: 'png', mode: 'RGB', width: 121, height: 243, orientation })),
  ],
];

/**
 * The largest difference of any pixel after any preset, in bytes.
 * @param {import('./peer.js').Peer} peer
 * @param {PictureSpec} spec
 * @param {number} seed
 */
async function comparePicture(peer, spec, seed) {
  return withFolder(async (folder) => {
    await peer.ask('pictures', { ...spec, seed, presets: PRESETS }, folder);
    const wanted = await PeerTensors.read(join(folder, 'pictures.safetensors'));
    const picture = await decodePicture(join(folder, `picture.${spec.type}`));
    const [height, width] = wanted.get('decoded').shape;
    if (picture.height !== height || picture.width !== width) {
      throw new Error(
        `bneck decodes ${JSON.stringify(spec)} to ${picture.width}x${picture.height}, not ${width}x${height}.`,
      );
    }
    let difference = 0;
    for (const preset of PRESETS) {
      const found = evaluationPicture(picture, { ...defaultPreprocessing(preset.resolution), ...preset });
      difference = worse(difference, largestDifference(found, wanted.bytes(`${preset.resize} ${preset.resolution}`)));
    }
    return { difference, decoded: largestDifference(picture.data, wanted.bytes('decoded')) };
  });
}

/** @type {import('./run.js').Check} */
export async function checkPictures(peer, { wanted }) {
  const rows = [];
  for (const [title, specs] of GROUPS) {
    if (!wanted(title)) continue;
    let [difference, decoded] = [0, 0];
    for (const [index, spec] of specs.entries()) {
      const measured = await comparePicture(peer, spec, index + 1);
      difference = worse(difference, measured.difference);
      decoded = worse(decoded, measured.decoded);
    }
    const note = decoded === 0 ? 'decoded alike' : `decoded up to ${decoded} of 255 apart`;
    rows.push({ check: `${title}: pixels`, difference: difference / BYTES_A_RANGE, limit: LIMIT, note });
  }
  return rows;
}
