/**
 * What a page and its model's worker say to each other: calls by name with plain data that can cross,
 * each answered with a value or an error. The page's end is `Model` in model.browser.ts, the worker's
 * end model-worker.browser.ts.
 */
import type { ErrorCode } from '../base/errors.ts';
import type { Pixels } from '../data/pixels.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Classification } from './classification.ts';
import type { ModelFile } from './model-file.ts';
import type { CompileOptions, CreateOptions, LoadOptions } from './model-options.ts';
import type { FloatTensor } from './predictor.ts';

/** An address, a picked file, or the bytes of a file. */
export type ModelSource = string | Blob | Uint8Array;

/** A model without its weights, which stay in the worker. */
export interface ModelDescription extends Omit<ModelFile, 'weights'> {
  readonly threads: number;
}

/** The worker's calls. `load` or `create` is the first, and is made once. */
export interface ModelService {
  load(source: ModelSource, options: LoadOptions): Promise<ModelDescription>;
  create(architecture: Architecture, options: CreateOptions): Promise<ModelDescription>;
  compile(options: CompileOptions): Promise<void>;
  forward(input: FloatTensor): Promise<FloatTensor>;
  forwardBytes(pictures: Uint8Array, count: number): Promise<Float32Array>;
  classify(pixels: Pixels, top: number): Promise<Classification[]>;
}

export type ModelCall = {
  [Name in keyof ModelService]: {
    readonly id: number;
    readonly name: Name;
    readonly parameters: Parameters<ModelService[Name]>;
  };
}[keyof ModelService];

export interface ModelAnswer {
  /** Of the call. */
  readonly id: number;
  readonly value?: unknown;
  /** `code` is null for a defect of bneck's. */
  readonly error?: { readonly code: ErrorCode | null; readonly message: string };
}
