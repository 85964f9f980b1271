/**
 * Why a model says what it says about a picture: Grad-CAM (which parts of the picture speak for a
 * class), the maps of some layers, and the gates of squeeze-and-excite. One run of an inference program
 * that keeps these tensors; what follows from them is computed in double precision.
 * Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
 * Localization", ICCV 2017, equations 1 and 2.
 */
import { BneckError } from '../base/errors.ts';
import { nearestName } from '../base/nearest-name.ts';
import type { Shape } from '../base/tensor.ts';
import type { Preprocessing } from '../data/preprocess.ts';
import { buildGraph } from '../graph/build-graph.ts';
import type { Graph, TensorName } from '../graph/graph.ts';
import { inferShapes } from '../graph/infer-shapes.ts';
import type { ReferenceTensor } from '../graph/op.ts';
import { referenceState, referenceTensor } from '../graph/reference-tensor.ts';
import { lowerInference } from '../program/lower-inference.ts';
import { Engine } from '../runtime/engine.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { createThreadPool } from '../runtime/thread-pool.node.ts';
import { type Classification, likeliestClasses } from './classification.ts';
import { graphBehind, logitGradient } from './explain-gradient.ts';
import { gatesOf, layerNamed, layersOf } from './explain-layers.ts';
import type { ModelFile } from './model-file.ts';
import { normalizationCoefficients } from './normalization.ts';

export interface ExplainOptions {
  /** A class by its index; by default the likeliest. */
  readonly classIndex?: number | undefined;
  /** Where Grad-CAM is taken: `features.N`; by default the last, the most telling and the coarsest. */
  readonly layer?: string | undefined;
  /** Layers whose maps are given; by default the last one of each size. */
  readonly maps?: readonly string[] | undefined;
  /** The most maps of a layer. Default 24. */
  readonly mapsPerLayer?: number | undefined;
  /** How many of the likeliest classes. Default 5. */
  readonly top?: number | undefined;
  readonly threads?: number | undefined;
}

/** Values over a picture, row by row. */
export interface PlaneMap {
  readonly height: number;
  readonly width: number;
  readonly values: Float64Array;
}

export interface ChannelMap extends PlaneMap {
  readonly channel: number;
}

export interface LayerMaps {
  readonly layer: string;
  /** How many the layer has. */
  readonly channels: number;
  /** Those that vary most over the picture, the first most; of equal ones the lower channel first. */
  readonly strongest: readonly ChannelMap[];
}

export interface Gate {
  /** `features.N.block.J`, the squeeze-and-excite. */
  readonly name: string;
  /** A factor from 0 to 1 for each channel. */
  readonly values: Float32Array;
}

export interface Explanation {
  readonly predictions: readonly Classification[];
  /** The class that `heat` speaks of. */
  readonly target: Classification;
  readonly layer: string;
  /** Grad-CAM: at least 0; 0 where nothing speaks for the class. In units of the logit, before averaging over the map. */
  readonly heat: PlaneMap;
  readonly maps: readonly LayerMaps[];
  readonly gates: readonly Gate[];
}

const MAPS_PER_LAYER = 24;

/**
 * A class by its name or, where no class has that name, by its index.
 * @throws BneckError 'option' where there is none
 */
export function classIndexOf(classNames: readonly string[], text: string): number {
  const named = classNames.indexOf(text);
  if (named >= 0) return named;
  if (/^\d+$/.test(text) && Number(text) < classNames.length) return Number(text);
  const near = nearestName(text, classNames);
  const hint = near === null ? '' : ` (did you mean ${near}?)`;
  const remedy = `Give the name of a class${hint}, or its index, 0 to ${classNames.length - 1}.`;
  throw new BneckError('option', `The model has no class ${text}. ${remedy}`);
}

/** The last layer of each size. */
function lastOfEachSize(layers: readonly { name: string; shape: Shape }[]): string[] {
  return layers.filter(({ shape }, at) => layers[at + 1]?.shape[2] !== shape[2]).map(({ name }) => name);
}

/** Runs the network once and gives the tensors that were asked for, and the logits. */
async function runKeeping(
  file: ModelFile,
  graph: Graph,
  pixels: Uint8Array,
  keep: readonly TensorName[],
  threads: number | undefined,
): Promise<{ logits: Float32Array; tensors: Map<TensorName, Float32Array> }> {
  const { resolution, mean, std }: Preprocessing = file.preprocessing;
  const program = lowerInference(graph, [1, 3, resolution, resolution], { input: 'bytes', keep });
  const engine = new Engine(await createThreadPool(threads ?? defaultThreads()));
  try {
    const memory = engine.createModel(graph, null);
    memory.write(file.weights);
    const loaded = await engine.load(program, memory);
    await loaded.prepare();
    return await loaded.execute(
      () => {
        loaded.bytes('pictures').set(pixels);
        loaded.floats('normalization').set(normalizationCoefficients(mean, std));
      },
      () => ({
        logits: loaded.floats('logits').slice(),
        tensors: new Map(keep.map((name) => [name, loaded.floats(name).slice()])),
      }),
    );
  } finally {
    await engine.dispose();
  }
}

/** [H][W][C] to [1, C, H, W]. */
function channelsFirst(values: Float32Array, shape: Shape): ReferenceTensor {
  const [, channels, height, width] = shape as [number, number, number, number];
  const pixels = height * width;
  const tensor = referenceTensor(shape);
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      tensor.data[channel * pixels + pixel] = values[pixel * channels + channel] as number;
    }
  }
  return tensor;
}

/**
 * Grad-CAM of a layer: the channels' maps added up, each with its mean gradient, and cut off below 0.
 * @param tensor the layer's output, [1, C, H, W]
 * @param gradient of a logit with respect to it, in the same shape
 */
export function gradCam(tensor: ReferenceTensor, gradient: ReferenceTensor): PlaneMap {
  const [, channels, height, width] = tensor.shape as [number, number, number, number];
  const pixels = height * width;
  const values = new Float64Array(pixels);
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * pixels;
    let sum = 0;
    for (let pixel = 0; pixel < pixels; pixel++) sum += gradient.data[start + pixel] as number;
    const weight = sum / pixels;
    for (let pixel = 0; pixel < pixels; pixel++) {
      values[pixel] = (values[pixel] as number) + weight * (tensor.data[start + pixel] as number);
    }
  }
  return { height, width, values: values.map((value) => Math.max(value, 0)) };
}

/** The maps that vary most, by standard deviation: a map that is the same everywhere shows nothing. */
function strongestMaps(layer: string, tensor: ReferenceTensor, count: number): LayerMaps {
  const [, channels, height, width] = tensor.shape as [number, number, number, number];
  const pixels = height * width;
  const ranked = Array.from({ length: channels }, (_, channel) => {
    const values = tensor.data.slice(channel * pixels, (channel + 1) * pixels);
    const mean = values.reduce((sum, value) => sum + value, 0) / pixels;
    return { channel, height, width, values, variation: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
  });
  ranked.sort((a, b) => b.variation - a.variation || a.channel - b.channel);
  const strongest = ranked.slice(0, count).map(({ variation: _, ...map }) => map);
  return { layer, channels, strongest };
}

/**
 * Explains what a model says about one picture.
 * @param pixels the picture as the network sees it (`evaluationPicture`): [resolution, resolution, 3] bytes
 * @throws BneckError 'option' for a class or layer that is not there, 'shape' for pixels that do not fit
 */
export async function explain(file: ModelFile, pixels: Uint8Array, options: ExplainOptions = {}): Promise<Explanation> {
  const { resolution } = file.preprocessing;
  if (pixels.length !== resolution * resolution * 3) {
    const message = `A picture of ${resolution}x${resolution} RGB is ${resolution * resolution * 3} bytes; got ${pixels.length}.`;
    throw new BneckError('shape', message);
  }
  const graph = buildGraph(file.architecture);
  const shapes = inferShapes(graph, [1, 3, resolution, resolution]);
  const layers = layersOf(graph).map((layer) => ({ ...layer, shape: shapes.get(layer.tensor) as Shape }));
  const camLayer = layerNamed(layers, options.layer ?? (layers.at(-1)?.name as string));
  const mapLayers = (options.maps ?? lastOfEachSize(layers)).map((name) => layerNamed(layers, name));
  const gates = gatesOf(graph);
  const keep = new Set([camLayer, ...mapLayers, ...gates].map(({ tensor }) => tensor));
  const { logits, tensors } = await runKeeping(file, graph, pixels, [...keep], options.threads);

  const kept = (tensor: TensorName) => tensors.get(tensor) as Float32Array;
  const mapOf = (tensor: TensorName) => channelsFirst(kept(tensor), shapes.get(tensor) as Shape);
  const ranked = likeliestClasses(logits, file.classNames, file.classNames.length);
  const index = options.classIndex ?? (ranked[0] as Classification).index;
  const target = ranked.find((classification) => classification.index === index);
  if (target === undefined) {
    const remedy = `Give an index from 0 to ${ranked.length - 1}.`;
    throw new BneckError('option', `The model has no class ${index}. ${remedy}`);
  }
  const camTensor = mapOf(camLayer.tensor);
  const state = referenceState(file.weights);
  const gradient = logitGradient(graphBehind(graph, camLayer.tensor), state, camTensor, index);
  return {
    predictions: ranked.slice(0, options.top ?? 5),
    target,
    layer: camLayer.name,
    heat: gradCam(camTensor, gradient),
    maps: mapLayers.map(({ name, tensor }) =>
      strongestMaps(name, mapOf(tensor), options.mapsPerLayer ?? MAPS_PER_LAYER),
    ),
    gates: gates.map(({ name, tensor }) => ({ name, values: kept(tensor) })),
  };
}
