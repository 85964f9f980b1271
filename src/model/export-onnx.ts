/**
 * A model as an ONNX file: opset 18, read by onnxruntime 1.17 and later (and others). Pictures in,
 * logits out, for any number of pictures and any resolution; on request with normalisation at the
 * start and softmax at the end. The metadata hold what it takes to use the file without bneck: class
 * names and preprocessing. Pure: bytes out, so it works in a browser too. Invariant: equal models and
 * options give equal bytes; the answers are bneck's own to rounding (tests/peers compares them).
 */
import { BneckError } from '../base/errors.ts';
import { float32Tensor, type StateDict } from '../base/tensor.ts';
import { checkPreprocessing, type Preprocessing } from '../data/preprocess.ts';
import { type OnnxModel, type OnnxNode, type OnnxValue, writeOnnx } from '../formats/onnx.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';
import { onnxNodes } from './export-onnx-nodes.ts';
import { BNECK_VERSION, describeMisfit, type ModelFile } from './model-file.ts';
import { normalizationCoefficients } from './normalization.ts';

/** HardSwish came with 14. Nothing newer than 18 is needed, and an older set is read by more tools. */
const OPSET = 18;
/** The version that came with opset 18; onnxruntime 1.17 reads up to 9. */
const IR_VERSION = 8;
const LARGEST_RESOLUTION = 8192;

const PICTURES = 'pictures';
const LOGITS = 'logits';
const PROBABILITIES = 'probabilities';

export interface ExportOnnxOptions {
  /** Leave each batch norm a node of its own, for tools that train or quantise further. Default false: folded. */
  readonly keepBatchNorm?: boolean | undefined;
  /** Take bytes, `pictures` uint8 [N, H, W, 3], and normalise them in the graph. Default false. */
  readonly withPreprocessing?: boolean | undefined;
  /** Give `probabilities` (softmax) instead of `logits`. Default false. */
  readonly softmax?: boolean | undefined;
  /**
   * Pixels a side that the file is fixed to, for accelerators that want all sizes known beforehand (Core ML,
   * NNAPI, TensorRT, WebNN). Default: any, as bneck itself takes; the metadata say what the model was made for.
   */
  readonly resolution?: number | undefined;
}

function checkFile(file: ModelFile): void {
  const architecture = parseArchitecture(file.architecture);
  checkPreprocessing(file.preprocessing);
  if (file.classNames.length !== architecture.classes) {
    const found = `${file.classNames.length} class names for ${architecture.classes} classes`;
    throw new BneckError('shape', `A model cannot be exported with ${found}. Give one name a class.`);
  }
  const misfit = describeMisfit(architecture, file.weights);
  if (misfit !== null) {
    throw new BneckError('shape', `The weights do not fit ${describeArchitecture(architecture)}: ${misfit}.`);
  }
}

function checkResolution(resolution: number): number {
  if (!Number.isInteger(resolution) || resolution < 1 || resolution > LARGEST_RESOLUTION) {
    const needed = `a whole number of pixels from 1 to ${LARGEST_RESOLUTION}`;
    throw new BneckError('option', `resolution ${resolution}: give ${needed}, or leave it out for any.`);
  }
  return resolution;
}

/** What the pictures are to be, in words; a reader of the metadata must not normalise twice. */
function describePictures({ resolution, resize, mean, std }: Preprocessing, inGraph: boolean): string {
  const size = `resized to a short side of ${resize} and cropped to the middle ${resolution} x ${resolution}`;
  if (inGraph) return `RGB bytes 0 to 255, [N, H, W, 3], ${size}; normalised here`;
  return `RGB, [N, 3, H, W], ${size}, then (x / 255 - [${mean.join(', ')}]) / [${std.join(', ')}]`;
}

/** Bytes [N, H, W, 3] to what the network takes: byte * scale + shift, channels first. */
function normalization({ mean, std }: Preprocessing, output: string): { nodes: OnnxNode[]; initializers: StateDict } {
  const name = (step: string): string => `preprocessing.${step}`;
  const coefficients = normalizationCoefficients(mean, std);
  const initializers: StateDict = new Map([
    [name('scale'), float32Tensor([1, 3, 1, 1], coefficients.slice(0, 3))],
    [name('shift'), float32Tensor([1, 3, 1, 1], coefficients.slice(3, 6))],
  ]);
  const node = (step: string, opType: string, inputs: string[], result = name(step)): OnnxNode => {
    return { opType, name: name(step), inputs, outputs: [result], attributes: {} };
  };
  // Cast comes first: few accelerators do anything else with bytes.
  const nodes: OnnxNode[] = [
    { ...node('cast', 'Cast', [PICTURES]), attributes: { to: { type: 'int', value: 1 } } }, // 1 is float32
    {
      ...node('channels_first', 'Transpose', [name('cast')]),
      attributes: { perm: { type: 'ints', value: [0, 3, 1, 2] } },
    },
    node('scaled', 'Mul', [name('channels_first'), name('scale')]),
    node('normalized', 'Add', [name('scaled'), name('shift')], output),
  ];
  return { nodes, initializers };
}

function pictures(file: ModelFile, options: ExportOnnxOptions): OnnxValue {
  const fixed = options.resolution === undefined ? null : checkResolution(options.resolution);
  const [height, width] = [fixed ?? 'H', fixed ?? 'W'];
  const bytes = options.withPreprocessing ?? false;
  return {
    name: PICTURES,
    elementType: bytes ? 'uint8' : 'float32',
    shape: bytes ? ['N', height, width, 3] : ['N', 3, height, width],
    documentation: describePictures(file.preprocessing, bytes),
  };
}

function metadata(file: ModelFile, input: OnnxValue, output: OnnxValue): Record<string, string> {
  const { resolution, resize, mean, std } = file.preprocessing;
  return {
    'bneck.version': BNECK_VERSION,
    'bneck.architecture': JSON.stringify(parseArchitecture(file.architecture)),
    'bneck.class_names': JSON.stringify(file.classNames),
    'bneck.preprocessing': JSON.stringify({ resolution, resize, mean, std }),
    'bneck.input': `${input.name}: ${input.documentation}`,
    'bneck.output': `${output.name}: ${output.documentation}`,
  };
}

/**
 * The bytes of an ONNX file that computes what the model does.
 *
 * - Input `pictures`: float32 [N, 3, H, W], normalised; or uint8 [N, H, W, 3], with preprocessing. N, H
 *   and W are free, or H and W fixed. Resizing and cropping are the caller's in either case.
 * - Output `logits` float32 [N, K], or `probabilities` with softmax.
 * - Operators: Conv, HardSwish, HardSigmoid, Relu, Clip, GlobalAveragePool, Mul, Add, Flatten, Gemm, and
 *   BatchNormalization where it is kept. Nodes and weights have torchvision's names.
 * - Metadata, JSON where it is data: `bneck.class_names`, `bneck.preprocessing`, `bneck.architecture`;
 *   `bneck.version`; `bneck.input` and `bneck.output`, in words.
 *
 * @throws BneckError 'option' for options that cannot be; 'shape' where weights or class names do not fit the
 *   architecture; 'file' for weights that are not finite; 'unsupported' above 2 GiB; 'memory'
 */
export function exportOnnx(file: ModelFile, options: ExportOnnxOptions = {}): Uint8Array {
  checkFile(file);
  const graph = buildGraph(file.architecture);
  const input = pictures(file, options);
  const normalized = options.withPreprocessing ? normalization(file.preprocessing, graph.input) : null;
  const names = { input: normalized ? graph.input : PICTURES, output: LOGITS };
  const network = onnxNodes(graph, file.weights, names, options.keepBatchNorm ?? false);
  const nodes = [...(normalized?.nodes ?? []), ...network.nodes];
  const output: OnnxValue = {
    name: options.softmax ? PROBABILITIES : LOGITS,
    elementType: 'float32',
    shape: ['N', file.architecture.classes],
    documentation: options.softmax ? 'softmax over the classes, [N, K]' : 'one number a class, before softmax, [N, K]',
  };
  if (options.softmax) {
    const attributes = { axis: { type: 'int', value: 1 } } as const;
    nodes.push({ opType: 'Softmax', name: PROBABILITIES, inputs: [LOGITS], outputs: [PROBABILITIES], attributes });
  }
  const initializers: StateDict = new Map([...(normalized?.initializers ?? []), ...network.initializers]);
  const description = describeArchitecture(file.architecture);
  const model: OnnxModel = {
    irVersion: IR_VERSION,
    opset: OPSET,
    producerName: 'bneck',
    producerVersion: BNECK_VERSION,
    documentation: description,
    graph: {
      name: file.architecture.family,
      documentation: description,
      nodes,
      initializers,
      inputs: [input],
      outputs: [output],
    },
    metadata: metadata(file, input, output),
  };
  return writeOnnx(model);
}
