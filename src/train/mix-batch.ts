/**
 * mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019): each picture of a training batch becomes a
 * mixture of itself and the one before it, with one share for the whole batch, as torchvision's reference
 * script does. Stands between the loader and the engine. Invariant: the outcome depends on the batch, the
 * options and the stream's key alone, and the arithmetic is that of whole numbers.
 */
import type { RandomStream } from '../base/random.ts';
import { betaVariable } from './beta-distribution.ts';
import type { MixedLabels } from './targets.ts';

/** Parameters of the beta distributions that shares are drawn from; 0: not used. Where both are, each batch takes one, by chance. */
export interface Mixing {
  readonly mixup: number;
  readonly cutmix: number;
}

/** Shares are multiples of 1 / SHARE_UNITS, so that labels and bytes are mixed alike. */
const SHARE_UNITS = 65536;

interface Pictures {
  /** [N, R, R, 3] bytes; changed in place. */
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly resolution: number;
}

/** Calls `change` for each picture with the one before it as it was; for the first, with the last. */
function eachWithPartner(
  { bytes, count, resolution }: Pictures,
  change: (own: Uint8Array, partner: Uint8Array) => void,
): void {
  const size = resolution * resolution * 3;
  const pictureAt = (n: number) => bytes.subarray(n * size, (n + 1) * size);
  const last = pictureAt(count - 1).slice();
  // From the end on, the one before is still unchanged.
  for (let n = count - 1; n > 0; n--) change(pictureAt(n), pictureAt(n - 1));
  change(pictureAt(0), last);
}

function mixup(pictures: Pictures, alpha: number, stream: RandomStream): number {
  const units = Math.round(betaVariable(stream, alpha) * SHARE_UNITS);
  const rest = SHARE_UNITS - units;
  eachWithPartner(pictures, (own, partner) => {
    for (let i = 0; i < own.length; i++) {
      own[i] = ((own[i] as number) * units + (partner[i] as number) * rest + SHARE_UNITS / 2) >>> 16;
    }
  });
  return units / SHARE_UNITS;
}

/** A box of the partner's goes over the picture; its area counts after what lies outside is cut off. */
function cutmix(pictures: Pictures, alpha: number, stream: RandomStream): number {
  const { resolution } = pictures;
  const half = Math.floor(0.5 * Math.sqrt(1 - betaVariable(stream, alpha)) * resolution);
  const span = (center: number) => [Math.max(0, center - half), Math.min(resolution, center + half)] as const;
  const [left, right] = span(stream.integer(resolution));
  const [top, bottom] = span(stream.integer(resolution));
  eachWithPartner(pictures, (own, partner) => {
    for (let row = top; row < bottom; row++) {
      const start = (row * resolution + left) * 3;
      own.set(partner.subarray(start, start + (right - left) * 3), start);
    }
  });
  return 1 - ((right - left) * (bottom - top)) / (resolution * resolution);
}

/**
 * Mixes a whole batch in place.
 * @param bytes [N, R, R, 3]
 * @param labels [N]
 * @param stream keyed by seed, epoch and the batch's place in the epoch
 */
export function mixBatch(
  bytes: Uint8Array,
  labels: Int32Array,
  mixing: Mixing,
  resolution: number,
  stream: RandomStream,
): MixedLabels {
  const count = labels.length;
  const pictures = { bytes, count, resolution };
  const both = mixing.mixup > 0 && mixing.cutmix > 0;
  const takesMixup = both ? stream.uniform() < 0.5 : mixing.mixup > 0;
  const share = takesMixup ? mixup(pictures, mixing.mixup, stream) : cutmix(pictures, mixing.cutmix, stream);
  const partners = labels.map((_, n) => labels[(n + count - 1) % count] as number);
  return { labels, partners, share };
}
