/**
 * `last.ckpt/`: everything that exact resume needs. `weights.safetensors` is an ordinary model file,
 * `optimizer.safetensors` the optimizer's memory, `average.safetensors` the moving average of the weights
 * where there is one, `state.json` the position, the books and the
 * recipe. The folder is replaced as a whole:
 *   write last.ckpt.new -> last.ckpt becomes last.ckpt.old -> last.ckpt.new becomes last.ckpt -> remove last.ckpt.old
 * Invariant: whenever the process ends, last.ckpt or, if there is none, last.ckpt.old is complete,
 * and its parts belong together.
 */
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BneckError } from '../base/errors.ts';
import { formatShape, type StateDict, sameShape } from '../base/tensor.ts';
import { syncFolder, writeFileAtomic } from '../base/write-file.node.ts';
import { quote } from '../formats/quote.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { encodeModelFile, type ModelFile } from '../model/model-file.ts';
import { readModelFile, readWholeFile } from '../model/read-model-file.node.ts';
import { type CheckpointRecord, formatRecord, parseRecord } from './checkpoint-record.ts';

export interface Checkpoint {
  readonly model: ModelFile;
  readonly optimizerState: StateDict;
  /** Named and shaped like the weights; null where the recipe has no average. */
  readonly averageWeights: StateDict | null;
  readonly record: CheckpointRecord;
}

const STATE_LIMIT_BYTES = 2 ** 28;
const OPTIMIZER_LIMIT_BYTES = 2 ** 32;
const AVERAGE_LIMIT_BYTES = 2 ** 32;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function moveIntoPlace(run: string, path: string): Promise<void> {
  const previous = `${path}.old`;
  if (await exists(path)) {
    await rm(previous, { recursive: true, force: true });
    await rename(path, previous);
    await syncFolder(run);
  }
  // Without last.ckpt, last.ckpt.old is the one good checkpoint and stays until the new one is in place.
  await rename(`${path}.new`, path);
  await syncFolder(run);
  await rm(previous, { recursive: true, force: true });
}

/**
 * Replaces the checkpoint of a run.
 * @param run the run's folder
 * @throws BneckError 'file' with the path, what happened and what to do; the previous checkpoint is then still there
 */
export async function saveCheckpoint(run: string, checkpoint: Checkpoint): Promise<void> {
  const path = join(run, 'last.ckpt');
  const next = `${path}.new`;
  const { averageWeights } = checkpoint;
  const parts: [string, Uint8Array | string][] = [
    ['weights.safetensors', encodeModelFile(checkpoint.model)],
    ['optimizer.safetensors', writeSafetensors(checkpoint.optimizerState, { format: 'pt' })],
    ...(averageWeights === null
      ? []
      : [['average.safetensors', writeSafetensors(averageWeights, { format: 'pt' })] as [string, Uint8Array]]),
    ['state.json', formatRecord(checkpoint.record)],
  ];
  try {
    await rm(next, { recursive: true, force: true });
    await mkdir(next);
    for (const [name, data] of parts) await writeFileAtomic(join(next, name), data);
    await moveIntoPlace(run, path);
  } catch (error) {
    if (error instanceof BneckError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'Make the folder writable and make room on its disk.';
    throw new BneckError('file', `${path} could not be replaced: ${reason}. ${remedy}`, { cause: error });
  }
}

/** The optimizer remembers something for parameters, in their shape: `NAME.velocity` and the like. */
function checkOptimizerState(state: StateDict, weights: StateDict, name: string): void {
  for (const [key, { shape }] of state) {
    const parameter = weights.get(key.slice(0, key.lastIndexOf('.')));
    if (parameter === undefined) {
      throw new BneckError('file', `${name}: ${quote(key)} belongs to no parameter of the network. Start a new run.`);
    }
    if (!sameShape(parameter.shape, shape)) {
      const found = `${quote(key)} is ${formatShape(shape)}, its parameter ${formatShape(parameter.shape)}`;
      throw new BneckError('file', `${name}: ${found}. Start a new run.`);
    }
  }
}

async function readAverage(folder: string, weights: StateDict): Promise<StateDict> {
  const name = join(folder, 'average.safetensors');
  const { tensors } = readSafetensors(await readWholeFile(name, AVERAGE_LIMIT_BYTES), name);
  for (const [key, { shape, dtype }] of weights) {
    const average = tensors.get(key);
    if (average?.dtype === dtype && sameShape(average.shape, shape)) continue;
    throw new BneckError(
      'file',
      `${name}: it has no ${quote(key)} of ${dtype} ${formatShape(shape)}. Start a new run.`,
    );
  }
  return tensors;
}

/**
 * Reads the last complete checkpoint of a run; everything in it is checked.
 * @param run the run's folder
 * @throws BneckError 'file' where there is none or it is damaged
 */
export async function loadCheckpoint(run: string): Promise<Checkpoint> {
  const path = join(run, 'last.ckpt');
  const previous = `${path}.old`;
  const found = (await exists(path)) ? path : (await exists(previous)) ? previous : null;
  if (found === null) {
    throw new BneckError('file', `${run}: holds no last.ckpt to go on from. Give the folder of a run, such as runs/1.`);
  }
  const stateName = join(found, 'state.json');
  const stateBytes = await readWholeFile(stateName, STATE_LIMIT_BYTES);
  const record = parseRecord(new TextDecoder().decode(stateBytes), stateName);
  const { file: model } = await readModelFile(join(found, 'weights.safetensors'));
  const { classNames } = record.data;
  if (classNames.join('\n') !== model.classNames.join('\n')) {
    throw new BneckError('file', `${found}: its parts do not belong together (class names differ). Start a new run.`);
  }
  const optimizerName = join(found, 'optimizer.safetensors');
  const optimizerBytes = await readWholeFile(optimizerName, OPTIMIZER_LIMIT_BYTES);
  const { tensors: optimizerState } = readSafetensors(optimizerBytes, optimizerName);
  checkOptimizerState(optimizerState, model.weights, optimizerName);
  const averageWeights = record.recipe.average === null ? null : await readAverage(found, model.weights);
  return { model, optimizerState, averageWeights, record };
}
