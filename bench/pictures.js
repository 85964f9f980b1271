/**
 * The pictures of the benchmarks: random bytes, the same in every process. Times do not depend on
 * what a picture shows.
 */
import { RandomStream } from './built-package.js';

export const MEAN = /** @type {const} */ ([0.485, 0.456, 0.406]);
export const STD = /** @type {const} */ ([0.229, 0.224, 0.225]);

/** Bytes [batch, resolution, resolution, 3]. @param {{ batch: number, resolution: number }} size */
export function randomPictures({ batch, resolution }) {
  const stream = new RandomStream(1, 'augment');
  return Uint8Array.from({ length: batch * resolution * resolution * 3 }, () => stream.integer(256));
}

/** What a network takes of a byte of channel `channel`. @param {number} byte @param {number} channel */
function normalized(byte, channel) {
  return (byte / 255 - /** @type {number} */ (MEAN[channel])) / /** @type {number} */ (STD[channel]);
}

/** The same pictures as floats, NHWC. @param {Uint8Array} bytes */
export function normalizedChannelsLast(bytes) {
  return Float32Array.from(bytes, (byte, index) => normalized(byte, index % 3));
}

/** The same pictures as floats, NCHW. @param {Uint8Array} bytes @param {number} batch */
export function normalizedChannelsFirst(bytes, batch) {
  const plane = bytes.length / 3 / batch;
  return Float32Array.from({ length: bytes.length }, (_, index) => {
    const [pixel, channel] = [index % plane, Math.floor(index / plane) % 3];
    const picture = Math.floor(index / plane / 3);
    return normalized(/** @type {number} */ (bytes[(picture * plane + pixel) * 3 + channel]), channel);
  });
}
