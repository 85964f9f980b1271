/**
 * MobileNetV2 as a table (Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks",
 * 2018, table 2), as torchvision builds it (`models/mobilenetv2.py`). It stands beside V3 as the
 * baseline that the paper compares with, and is made of the same rows: no squeeze-and-excite, ReLU6
 * everywhere, a head of one linear layer. Channel counts here are those of width 1.
 */
import type { Architecture } from './architecture.ts';
import { type ArchitectureOptions, parseArchitecture } from './parse-architecture.ts';

/** `repeats` inverted residuals of one output width; only the first has the stride. */
export interface MobileNetV2Stage {
  /** Expanded channels = ratio x input channels. */
  readonly ratio: number;
  readonly out: number;
  readonly repeats: number;
  readonly stride: 1 | 2;
}

export const MOBILENET_V2: {
  readonly stem: number;
  readonly stages: readonly MobileNetV2Stage[];
  /** Channels of the last convolution; widths below 1 leave it as it is. */
  readonly lastConv: number;
} = {
  stem: 32,
  stages: [
    { ratio: 1, out: 16, repeats: 1, stride: 1 },
    { ratio: 6, out: 24, repeats: 2, stride: 2 },
    { ratio: 6, out: 32, repeats: 3, stride: 2 },
    { ratio: 6, out: 64, repeats: 4, stride: 2 },
    { ratio: 6, out: 96, repeats: 3, stride: 1 },
    { ratio: 6, out: 160, repeats: 3, stride: 2 },
    { ratio: 6, out: 320, repeats: 1, stride: 1 },
  ],
  lastConv: 1280,
};

export type MobileNetV2Options = Pick<
  ArchitectureOptions,
  'classes' | 'width' | 'dropout' | 'reduction' | 'padding' | 'batchNormEpsilon'
>;

/**
 * Describes a MobileNetV2. Options and defaults: `classes` 1000, `width` 1, `dropout` 0.2,
 * `reduction` 32 (16: the stem's stride is 1; 8: also that of the first block with stride 2),
 * `padding` 'symmetric' (or TensorFlow's 'same'), `batchNormEpsilon` 1e-5.
 * @throws BneckError('option') on an option that cannot be
 */
export function mobilenetV2(options: MobileNetV2Options = {}): Architecture {
  return parseArchitecture({ ...options, family: 'mobilenet_v2' });
}
