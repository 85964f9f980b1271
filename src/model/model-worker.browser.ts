/**
 * A model in a worker of a page: it reads the file, plans programs, resizes pictures and owns the
 * engine, so that none of it blocks the page. One worker, one model.
 */
import { assert, BneckError } from '../base/errors.ts';
import { pictureFromPixels } from '../data/pixels.ts';
import { defaultThreads } from '../runtime/machine.browser.ts';
import { createThreadPool } from '../runtime/thread-pool.browser.ts';
import { likeliestClasses } from './classification.ts';
import type { ModelFile } from './model-file.ts';
import { freshModel, inputToCompile, type ModelOptions } from './model-options.ts';
import type { ModelAnswer, ModelCall, ModelDescription, ModelService, ModelSource } from './model-service.ts';
import { Predictor } from './predictor.ts';
import { readModel } from './read-model.ts';

/** One array in JavaScript cannot hold much more. */
const MODEL_LIMIT_BYTES = 2 ** 31;

let opened: { readonly file: ModelFile; readonly predictor: Predictor } | null = null;

function model() {
  assert(opened, 'the model is there before it is asked');
  return opened;
}

async function fetchBytes(address: string): Promise<Uint8Array> {
  const refuse = (problem: unknown) => new BneckError('file', `${address}: ${problem}. Check the address.`);
  const response = await fetch(address).catch((cause) => {
    throw refuse(`it cannot be fetched (${cause})`);
  });
  if (!response.ok) throw refuse(`the server answered ${response.status}`);
  if (Number(response.headers.get('content-length')) > MODEL_LIMIT_BYTES) throw refuse('it is too large for a model');
  return new Uint8Array(await response.arrayBuffer());
}

/** The bytes of a model file and the name that tells published weights. */
async function readSource(source: ModelSource): Promise<{ bytes: Uint8Array; name: string }> {
  if (source instanceof Uint8Array) return { bytes: source, name: 'model' };
  if (typeof source === 'string') {
    return { bytes: await fetchBytes(source), name: new URL(source).pathname.split('/').at(-1) || 'model' };
  }
  const name = source instanceof File ? source.name : 'model';
  if (source.size > MODEL_LIMIT_BYTES) throw new BneckError('file', `${name}: it is too large for a model.`);
  return { bytes: new Uint8Array(await source.arrayBuffer()), name };
}

async function open(file: ModelFile, options: ModelOptions): Promise<ModelDescription> {
  const pool = await createThreadPool(options.threads ?? defaultThreads());
  const { architecture, classNames, preprocessing, training, weights } = file;
  opened = { file, predictor: new Predictor(architecture, weights, pool, options) };
  return { architecture, classNames, preprocessing, training, threads: pool.threads };
}

const service: ModelService = {
  async load(source, options) {
    const { bytes, name } = await readSource(source);
    const { file } = await readModel(bytes, name, { lineage: options.lineage });
    return open(file, options);
  },
  async create(architecture, options) {
    return open(freshModel(architecture, options), options);
  },
  async compile(options) {
    const { file, predictor } = model();
    const { input, shape } = inputToCompile(options, file.preprocessing.resolution);
    await predictor.compile(input, shape);
  },
  async forward(input) {
    return model().predictor.forward(input);
  },
  async forwardBytes(pictures, count) {
    const { file, predictor } = model();
    return predictor.forwardBytes(pictures, count, file.preprocessing);
  },
  async classify(pixels, top) {
    const { file, predictor } = model();
    const logits = await predictor.forwardPicture(pictureFromPixels(pixels), file.preprocessing);
    return likeliestClasses(logits, file.classNames, top);
  },
};

async function answer({ id, name, parameters }: ModelCall): Promise<ModelAnswer> {
  try {
    const call = service[name] as (...parameters: unknown[]) => Promise<unknown>;
    return { id, value: await call(...parameters) };
  } catch (error) {
    const code = error instanceof BneckError ? error.code : null;
    return { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
}

addEventListener('message', async ({ data }: MessageEvent<ModelCall>) => postMessage(await answer(data)));
