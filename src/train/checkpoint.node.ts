/**
 * `last.ckpt/`: everything that exact resume needs. `weights.safetensors` is an ordinary model file,
 * `optimizer.safetensors` the optimizer's memory, `average.safetensors` the moving average of the weights
 * where there is one, `state.json` the position, the books, the recipe and checksums of it all. The
 * folder is replaced as a whole:
 *   write last.ckpt.new -> last.ckpt becomes last.ckpt.old -> last.ckpt.new becomes last.ckpt
 * The one before stays as last.ckpt.old while a run goes on, for the case that the disk damages the last.
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
import { readModel } from '../model/read-model.ts';
import { readWholeFile } from '../model/read-model-file.node.ts';
import { type CheckpointRecord, formatRecord, parseRecord } from './checkpoint-record.ts';
import { damagedPart, STATE_NAME, withSums } from './checkpoint-sums.node.ts';

export interface Checkpoint {
  readonly model: ModelFile;
  readonly optimizerState: StateDict;
  /** Named and shaped like the weights; null where the recipe has no average. */
  readonly averageWeights: StateDict | null;
  readonly record: CheckpointRecord;
}

/** A checkpoint that was read. */
export interface LoadedCheckpoint extends Checkpoint {
  /** Why last.ckpt was passed over and this is the one before it; absent where it was not. */
  readonly damage?: BneckError;
}

export interface SaveOptions {
  /** Whether the checkpoint before stays; false by default. */
  readonly keepsPrevious?: boolean;
}

const WEIGHTS_NAME = 'weights.safetensors';
const OPTIMIZER_NAME = 'optimizer.safetensors';
const AVERAGE_NAME = 'average.safetensors';

const STATE_LIMIT_BYTES = 2 ** 28;
const PART_LIMIT_BYTES = 2 ** 32;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function moveIntoPlace(run: string, path: string, keepsPrevious: boolean): Promise<void> {
  const previous = `${path}.old`;
  if (await exists(path)) {
    await rm(previous, { recursive: true, force: true });
    await rename(path, previous);
    await syncFolder(run);
  }
  // Without last.ckpt, last.ckpt.old is the one good checkpoint and stays until the new one is in place.
  await rename(`${path}.new`, path);
  await syncFolder(run);
  if (!keepsPrevious) await rm(previous, { recursive: true, force: true });
}

/**
 * Replaces the checkpoint of a run.
 * @param run the run's folder
 * @throws BneckError 'file' with the path, what happened and what to do; the previous checkpoint is then still there
 */
export async function saveCheckpoint(
  run: string,
  checkpoint: Checkpoint,
  { keepsPrevious = false }: SaveOptions = {},
): Promise<void> {
  const path = join(run, 'last.ckpt');
  const next = `${path}.new`;
  const { averageWeights } = checkpoint;
  const parts = new Map([
    [WEIGHTS_NAME, encodeModelFile(checkpoint.model)],
    [OPTIMIZER_NAME, writeSafetensors(checkpoint.optimizerState, { format: 'pt' })],
  ]);
  if (averageWeights !== null) parts.set(AVERAGE_NAME, writeSafetensors(averageWeights, { format: 'pt' }));
  const state = withSums(formatRecord(checkpoint.record), parts);
  try {
    await rm(next, { recursive: true, force: true });
    await mkdir(next);
    for (const [name, data] of parts) await writeFileAtomic(join(next, name), data);
    await writeFileAtomic(join(next, STATE_NAME), state);
    await moveIntoPlace(run, path, keepsPrevious);
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

function checkAverage(average: StateDict, weights: StateDict, name: string): void {
  for (const [key, { shape, dtype }] of weights) {
    const found = average.get(key);
    if (found?.dtype === dtype && sameShape(found.shape, shape)) continue;
    throw new BneckError(
      'file',
      `${name}: it has no ${quote(key)} of ${dtype} ${formatShape(shape)}. Start a new run.`,
    );
  }
}

/** Reads a checkpoint from its folder. Sums come last: what else is wrong with a part says more. */
async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const parts = new Map<string, Uint8Array>();
  const read = async (name: string): Promise<[Uint8Array, string]> => {
    const path = join(folder, name);
    const bytes = await readWholeFile(path, PART_LIMIT_BYTES);
    parts.set(name, bytes);
    return [bytes, path];
  };
  const stateName = join(folder, STATE_NAME);
  const stateText = new TextDecoder().decode(await readWholeFile(stateName, STATE_LIMIT_BYTES));
  const record = parseRecord(stateText, stateName);
  const { file: model } = await readModel(...(await read(WEIGHTS_NAME)));
  const { classNames } = record.data;
  if (classNames.join('\n') !== model.classNames.join('\n')) {
    throw new BneckError('file', `${folder}: its parts do not belong together (class names differ). Start a new run.`);
  }
  const optimizer = await read(OPTIMIZER_NAME);
  const { tensors: optimizerState } = readSafetensors(...optimizer);
  checkOptimizerState(optimizerState, model.weights, optimizer[1]);
  let averageWeights: StateDict | null = null;
  if (record.recipe.average !== null) {
    const average = await read(AVERAGE_NAME);
    averageWeights = readSafetensors(...average).tensors;
    checkAverage(averageWeights, model.weights, average[1]);
  }
  const damaged = damagedPart(stateText, parts);
  if (damaged !== null) {
    const found = 'its contents are not those that were saved (their SHA-256 differs)';
    throw new BneckError('file', `${join(folder, damaged)}: ${found}. Start a new run.`);
  }
  return { model, optimizerState, averageWeights, record };
}

/**
 * Reads the last complete checkpoint of a run; everything in it is checked. If it is damaged and the one
 * before it is there and good, that one, with what was wrong.
 * @param run the run's folder
 * @throws BneckError 'file' where there is none or it is damaged
 */
export async function loadCheckpoint(run: string): Promise<LoadedCheckpoint> {
  const path = join(run, 'last.ckpt');
  const previous = `${path}.old`;
  const hasPrevious = await exists(previous);
  if (!(await exists(path))) {
    if (hasPrevious) return readCheckpoint(previous);
    throw await noCheckpoint(run);
  }
  try {
    return await readCheckpoint(path);
  } catch (damage) {
    if (!(damage instanceof BneckError) || !hasPrevious) throw damage;
    const checkpoint = await readCheckpoint(previous).catch(() => {
      throw damage;
    });
    return { ...checkpoint, damage };
  }
}

/** A folder that is no run's, or a run that was killed within its first moments. */
async function noCheckpoint(run: string): Promise<BneckError> {
  const isThere = (name: string) => exists(join(run, name));
  const begun = (await isThere('config.json')) || (await isThere('last.ckpt.new'));
  const trained = (await isThere('metrics.csv')) || (await isThere('best.safetensors'));
  const remedy =
    begun && !trained
      ? ': the run ended before its first. Nothing is lost; delete the folder and start again.'
      : '. Give the folder of a run, such as runs/1.';
  return new BneckError('file', `${run}: holds no last.ckpt to go on from${remedy}`);
}

/**
 * Removes a last.ckpt that was found damaged, so that saving never takes it for the good checkpoint that
 * has to stay until the next is in place.
 * @throws BneckError 'file'
 */
export async function removeDamaged(run: string): Promise<void> {
  const path = join(run, 'last.ckpt');
  try {
    await rm(path, { recursive: true, force: true });
    await syncFolder(run);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'Make the folder writable.';
    throw new BneckError('file', `${path} is damaged and could not be removed: ${reason}. ${remedy}`, { cause: error });
  }
}
