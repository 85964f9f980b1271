/**
 * MobileNetV3 as tables: the rows of Large and Small (Howard et al., "Searching for MobileNetV3",
 * 2019, tables 1 and 2) as torchvision builds them (`models/mobilenetv3.py`), and the function that
 * makes an Architecture from a few options. Channel counts here are those of width 1;
 * `resolve-network.ts` scales them.
 *
 * A row's input is the output of the row before it, and the stem's output is the first row's input.
 */
import { BneckError } from '../base/errors.ts';
import type { Architecture } from './architecture.ts';
import { type ArchitectureOptions, parseArchitecture } from './parse-architecture.ts';

/** One bneck: kernel, expanded and output channels, squeeze-and-excite, nonlinearity, stride. */
export interface BottleneckRow {
  readonly kernel: 3 | 5;
  readonly expanded: number;
  readonly out: number;
  readonly squeeze: boolean;
  /** As the paper marks it: RE is ReLU, HS hard-swish. */
  readonly activation: 'RE' | 'HS';
  readonly stride: 1 | 2;
}

export interface MobileNetV3Table {
  /** Output channels of the stem. */
  readonly stem: number;
  readonly rows: readonly BottleneckRow[];
  /** Features between the head's two linear layers. */
  readonly lastLinear: number;
}

/** The last blocks, which `dilated` dilates and `reducedTail` narrows. */
export const TAIL_BLOCKS = 3;

function row(
  kernel: 3 | 5,
  expanded: number,
  out: number,
  squeeze: 'SE' | '-',
  activation: 'RE' | 'HS',
  stride: 1 | 2,
): BottleneckRow {
  return { kernel, expanded, out, squeeze: squeeze === 'SE', activation, stride };
}

export const MOBILENET_V3_LARGE: MobileNetV3Table = {
  stem: 16,
  rows: [
    row(3, 16, 16, '-', 'RE', 1),
    row(3, 64, 24, '-', 'RE', 2),
    row(3, 72, 24, '-', 'RE', 1),
    row(5, 72, 40, 'SE', 'RE', 2),
    row(5, 120, 40, 'SE', 'RE', 1),
    row(5, 120, 40, 'SE', 'RE', 1),
    row(3, 240, 80, '-', 'HS', 2),
    row(3, 200, 80, '-', 'HS', 1),
    row(3, 184, 80, '-', 'HS', 1),
    row(3, 184, 80, '-', 'HS', 1),
    row(3, 480, 112, 'SE', 'HS', 1),
    row(3, 672, 112, 'SE', 'HS', 1),
    row(5, 672, 160, 'SE', 'HS', 2),
    row(5, 960, 160, 'SE', 'HS', 1),
    row(5, 960, 160, 'SE', 'HS', 1),
  ],
  lastLinear: 1280,
};

export const MOBILENET_V3_SMALL: MobileNetV3Table = {
  stem: 16,
  rows: [
    row(3, 16, 16, 'SE', 'RE', 2),
    row(3, 72, 24, '-', 'RE', 2),
    row(3, 88, 24, '-', 'RE', 1),
    row(5, 96, 40, 'SE', 'HS', 2),
    row(5, 240, 40, 'SE', 'HS', 1),
    row(5, 240, 40, 'SE', 'HS', 1),
    row(5, 120, 48, 'SE', 'HS', 1),
    row(5, 144, 48, 'SE', 'HS', 1),
    row(5, 288, 96, 'SE', 'HS', 2),
    row(5, 576, 96, 'SE', 'HS', 1),
    row(5, 576, 96, 'SE', 'HS', 1),
  ],
  lastLinear: 1024,
};

/**
 * Describes a MobileNetV3. Without options it is torchvision's network, whose weights fit as they are.
 *
 * - `classes` 1000: outputs of the last layer.
 * - `width` 1: multiplies every channel count, then rounded to a multiple of 8. Weights were
 *   published for 1; the paper trains .35, .5, .75, 1 and 1.25.
 * - `dropout` 0.2: probability of dropping a feature before the last layer.
 * - `reducedTail` false: halves the channels of the last three blocks and of the head.
 * - `dilated` false: the last three blocks keep their resolution and dilate by 2, for dense tasks;
 *   the last map is then half as much reduced.
 * - `reduction` 32: how many times smaller than the picture the last map is. 16 makes the stem's
 *   stride 1, 8 also that of the first bneck with stride 2; for pictures of about 32 to 64 pixels.
 *   The weights keep their shapes and their meaning.
 * - `squeeze` { rounding: 'divisible', bias: true, activation: 'relu' }: how squeeze-and-excite is built.
 * - `reluActivation` 'relu': the activation of the blocks that the paper marks RE.
 * - `expandAlways` false: gives the first block an expanding convolution too, though it has nothing to
 *   expand. Torchvision leaves it out; implementations that write the block out once often keep it.
 * - `scaling` 'torchvision': whose rules give the channels of other widths. 'timm' (and the paper's code)
 *   expands by a ratio of a block's actual input, keeps the stem's 16 channels below width .75, and never
 *   narrows or widens the head's hidden layer. At width 1 both are the same.
 * - `padding` 'symmetric': or TensorFlow's 'same', for weights that were trained there.
 * - `batchNormEpsilon` 1e-3: timm's own weights have 1e-5.
 * - `minimal` false: no squeeze-and-excite, kernels of 3 only, ReLU everywhere.
 *
 * @throws BneckError('option') on an option that cannot be
 */
export function mobilenetV3(size: 'large' | 'small', options: ArchitectureOptions = {}): Architecture {
  if (size !== 'large' && size !== 'small') {
    throw new BneckError('option', `MobileNetV3 comes as 'large' or 'small', not as '${String(size)}'.`);
  }
  return parseArchitecture({ ...options, family: `mobilenet_v3_${size}` });
}
