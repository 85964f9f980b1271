/**
 * What a network's tensors are called: torchvision's names, which are ours, beside timm's. Made from
 * the rows of a Network, in the order of torchvision's state_dict, with shapes; no tensor is touched.
 * Invariant: names, shapes and order are those of the parameters of `buildGraph`, which a test checks.
 *
 * A block in torchvision numbers its modules, `features.N.block.J`; timm counts stages and names
 * them, `blocks.S.B.conv_dw`. Sources: torchvision `models/mobilenetv3.py` and `mobilenetv2.py`;
 * timm `models/mobilenetv3.py`, `efficientnet.py` (MobileNetV2) and `_efficientnet_blocks.py`.
 */
import type { Shape } from '../base/tensor.ts';
import type { Architecture, BlockRow, ConvRow, Family, LinearRow, Network, SqueezeRow } from './architecture.ts';
import { MOBILENET_V2 } from './mobilenet-v2.ts';
import { MOBILENET_V3_LARGE, MOBILENET_V3_SMALL } from './mobilenet-v3.ts';
import { resolveNetwork } from './resolve-network.ts';

/** One tensor of a network. */
export interface WeightName {
  /** torchvision's, which is bneck's. */
  readonly name: string;
  readonly timm: string;
  readonly shape: Shape;
  /** Where timm's differs from `shape` by ones at its end: its head's hidden layer is a 1x1 convolution. */
  readonly timmShape: Shape;
  /** Batch norm's counter of batches: int64, and absent from files older than PyTorch 0.4.1. */
  readonly counter: boolean;
}

/** Output channels of every block at width 1, by which timm cuts its stages. */
const TABLE_OUT: Readonly<Record<Family, readonly number[]>> = {
  mobilenet_v3_large: MOBILENET_V3_LARGE.rows.map(({ out }) => out),
  mobilenet_v3_small: MOBILENET_V3_SMALL.rows.map(({ out }) => out),
  mobilenet_v2: MOBILENET_V2.stages.flatMap(({ out, repeats }) => Array<number>(repeats).fill(out)),
};

/** timm's path of each block, `blocks.S.B`, and of the stage after the last, `blocks.S`. */
function timmStages(family: Family): { readonly blocks: readonly string[]; readonly last: string } {
  const out = TABLE_OUT[family];
  let [stage, position] = [-1, 0];
  const blocks = out.map((channels, index) => {
    const starts = channels !== out[index - 1];
    stage += starts ? 1 : 0;
    position = starts ? 0 : position + 1;
    return `blocks.${stage}.${position}`;
  });
  return { blocks, last: `blocks.${stage + 1}` };
}

class NameWriter {
  readonly entries: WeightName[] = [];

  #add(name: string, timm: string, shape: Shape, timmShape = shape, counter = false): void {
    this.entries.push({ name, timm, shape, timmShape, counter });
  }

  conv(name: string, timm: string, row: Omit<ConvRow, 'activation'>): void {
    const shape = [row.outChannels, row.inChannels / row.groups, row.kernel, row.kernel];
    this.#add(`${name}.weight`, `${timm}.weight`, shape);
  }

  batchNorm(name: string, timm: string, channels: number): void {
    for (const short of ['weight', 'bias', 'running_mean', 'running_var']) {
      this.#add(`${name}.${short}`, `${timm}.${short}`, [channels]);
    }
    this.#add(`${name}.num_batches_tracked`, `${timm}.num_batches_tracked`, [], [], true);
  }

  /** A convolution and its batch norm: `NAME.0` and `NAME.1`. */
  unit(name: string, timmConv: string, timmNorm: string, row: ConvRow): void {
    this.conv(`${name}.0`, timmConv, row);
    this.batchNorm(`${name}.1`, timmNorm, row.outChannels);
  }

  squeeze(name: string, timm: string, { channels, squeezeChannels, bias }: SqueezeRow): void {
    const layers: [string, string, number, number][] = [
      ['fc1', 'conv_reduce', squeezeChannels, channels],
      ['fc2', 'conv_expand', channels, squeezeChannels],
    ];
    for (const [ours, theirs, out, into] of layers) {
      this.#add(`${name}.${ours}.weight`, `${timm}.${theirs}.weight`, [out, into, 1, 1]);
      if (bias) this.#add(`${name}.${ours}.bias`, `${timm}.${theirs}.bias`, [out]);
    }
  }

  /** A block that does not expand is timm's depthwise separable block, which counts its batch norms from the depthwise. */
  block(name: string, timm: string, row: BlockRow, family: Family): void {
    const bareProjection = family === 'mobilenet_v2';
    const path = bareProjection ? `${name}.conv` : `${name}.block`;
    const first = row.expand ? 1 : 0;
    let position = 0;
    if (row.expand) this.unit(`${path}.${position++}`, `${timm}.conv_pw`, `${timm}.bn1`, row.expand);
    this.unit(`${path}.${position++}`, `${timm}.conv_dw`, `${timm}.bn${1 + first}`, row.depthwise);
    if (row.squeeze) this.squeeze(`${path}.${position++}`, `${timm}.se`, row.squeeze);
    const timmProject = row.expand ? `${timm}.conv_pwl` : `${timm}.conv_pw`;
    const [conv, norm] = bareProjection ? [`${position}`, `${position + 1}`] : [`${position}.0`, `${position}.1`];
    this.conv(`${path}.${conv}`, timmProject, row.project);
    this.batchNorm(`${path}.${norm}`, `${timm}.bn${2 + first}`, row.project.outChannels);
  }

  linear(name: string, timm: string, { inFeatures, outFeatures }: LinearRow, timmIsConv = false): void {
    const shape = [outFeatures, inFeatures];
    this.#add(`${name}.weight`, `${timm}.weight`, shape, timmIsConv ? [...shape, 1, 1] : shape);
    this.#add(`${name}.bias`, `${timm}.bias`, [outFeatures]);
  }
}

/** The module path of the last linear layer, whose outputs are the classes. */
export function classifierPath(family: Family): string {
  return family === 'mobilenet_v2' ? 'classifier.1' : 'classifier.3';
}

function nameNetwork({ family, stem, blocks, lastConv, head }: Network): readonly WeightName[] {
  const writer = new NameWriter();
  const stages = timmStages(family);
  writer.unit('features.0', 'conv_stem', 'bn1', stem);
  blocks.forEach((row, index) => {
    writer.block(`features.${index + 1}`, stages.blocks[index] as string, row, family);
  });
  const last = `features.${blocks.length + 1}`;
  if (family === 'mobilenet_v2') writer.unit(last, 'conv_head', 'bn2', lastConv);
  else writer.unit(last, `${stages.last}.0.conv`, `${stages.last}.0.bn1`, lastConv);
  if (head.hidden) writer.linear('classifier.0', 'conv_head', head.hidden, true);
  writer.linear(classifierPath(family), 'classifier', head.classifier);
  return writer.entries;
}

/**
 * Every tensor of an architecture, in the order of torchvision's state_dict.
 * @throws BneckError('option') on an option that cannot be
 */
export function weightNames(architecture: Architecture): readonly WeightName[] {
  return nameNetwork(resolveNetwork(architecture));
}
