/** From preprocessing to what the engine's first kernel takes. */
import type { ChannelValues } from '../data/preprocess.ts';

/** [2][3] floats, scale and shift, so that byte * scale + shift = (byte / 255 - mean) / std. */
export function normalizationCoefficients(mean: ChannelValues, std: ChannelValues): Float32Array {
  return Float32Array.from([...std.map((s) => 1 / (255 * s)), ...std.map((s, c) => -(mean[c] as number) / s)]);
}
