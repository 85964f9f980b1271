/**
 * What a model can be asked for when it is made, loaded or compiled, in Node and in the browser, and
 * what comes of it: checked numbers, a fresh model's content, an input shape.
 */
import { BneckError } from '../base/errors.ts';
import type { Shape } from '../base/tensor.ts';
import { defaultPreprocessing, type Preprocessing } from '../data/preprocess.ts';
import { buildGraph } from '../graph/build-graph.ts';
import { initialWeights } from '../graph/initial-weights.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import type { ModelFile } from './model-file.ts';
import type { InputKind } from './predictor.ts';

export interface ModelOptions {
  /**
   * Threads of the engine, up to 256; by default one for each core. 0: none, the calling thread does the work, and nothing else
   * meanwhile (in a page the model's worker does). A call then saves the 0.1 to 0.2 ms that waking another thread and being told by it take.
   */
  readonly threads?: number | undefined;
  /**
   * Input shapes kept ready besides those of `compile`, 1 to 1000. Each takes about as much memory as the weights;
   * the one used least recently makes room for the next. Default 4.
   */
  readonly keptShapes?: number | undefined;
}

export interface LoadOptions extends ModelOptions {
  /** Who trained bare weights, where neither their names nor the file's name say it: 'tf' for timm's `tf_` models. */
  readonly lineage?: Lineage | undefined;
}

export interface CreateOptions extends ModelOptions {
  /** Of the initial weights, a whole number in [0, 2^32). Default 0. */
  readonly seed?: number | undefined;
  /** One for each class; '0', '1', ... by default. */
  readonly classNames?: readonly string[] | undefined;
  /** Default: 224 pixels with ImageNet's mean and deviation. */
  readonly preprocessing?: Preprocessing | undefined;
}

export interface CompileOptions {
  /** Pictures a call. Default 1. */
  readonly batch?: number | undefined;
  /** Pixels a side. Default: the model's own, the only one that `classify` and `forwardBytes` use. */
  readonly resolution?: number | undefined;
  /** 'pictures' for `classify` and `forwardBytes`, 'tensor' for `forward`. Default 'pictures'. */
  readonly input?: 'pictures' | 'tensor' | undefined;
}

const LARGEST_THREADS = 256;
const LARGEST_KEPT_SHAPES = 1000;

function checkWhole(name: string, value: number, least: number, greatest: number): void {
  if (Number.isInteger(value) && value >= least && value <= greatest) return;
  throw new BneckError('option', `${name} ${value}: give a whole number from ${least} to ${greatest}.`);
}

/** @throws BneckError 'option' for numbers that cannot be */
export function checkModelOptions({ threads = 1, keptShapes = 1 }: ModelOptions): void {
  checkWhole('threads', threads, 0, LARGEST_THREADS);
  checkWhole('keptShapes', keptShapes, 1, LARGEST_KEPT_SHAPES);
}

/** A model with initial weights. @throws BneckError 'option' where the options do not fit the architecture */
export function freshModel(architecture: Architecture, options: CreateOptions): ModelFile {
  const { classes } = architecture;
  const classNames = options.classNames ?? Array.from({ length: classes }, (_, index) => String(index));
  if (classNames.length !== classes) {
    throw new BneckError('option', `classNames has ${classNames.length} names for ${classes} classes.`);
  }
  const weights = initialWeights(buildGraph(architecture), options.seed ?? 0);
  const preprocessing = options.preprocessing ?? defaultPreprocessing(224);
  return { architecture, classNames, preprocessing, weights, training: null };
}

/**
 * The input kind and shape [N, 3, H, W] that `compile` prepares.
 * @param resolution the model's own, pixels
 * @throws BneckError 'option' for numbers that cannot be, or pictures of another resolution than the model's
 */
export function inputToCompile(options: CompileOptions, resolution: number): { input: InputKind; shape: Shape } {
  const { batch = 1, resolution: asked = resolution, input = 'pictures' } = options;
  checkWhole('batch', batch, 1, 65536);
  checkWhole('resolution', asked, 1, 8192);
  if (input === 'pictures' && asked !== resolution) {
    const message = `resolution ${asked}: pictures reach this model at ${resolution} px. Leave it out, or compile with input 'tensor' for forward.`;
    throw new BneckError('option', message);
  }
  return { input: input === 'pictures' ? 'bytes' : 'floats', shape: [batch, 3, asked, asked] };
}
