/**
 * The model file of a command, and `--lineage`, which says what bare weights leave out. What had to be
 * recognised or assumed of them is told on the error stream, so that results stay clean.
 */
import { Option } from 'commander';
import type { ModelFile } from '../model/model-file.ts';
import { readModelFile } from '../model/read-model-file.node.ts';
import { LINEAGES, type Lineage } from '../models/lineages.ts';
import { alternatives, oneOf } from './parse-option.ts';
import { oneLine } from './report-error.ts';

/** The option of every command that takes a model file. */
export function lineageOption(): Option {
  const tf = "tf is timm's tf_ models, which only their file name tells from timm's own";
  return new Option(
    '--lineage <name>',
    `who trained bare weights: ${alternatives(LINEAGES)}; ${tf} (default: what the names of tensors and file say)`,
  ).argParser(oneOf(LINEAGES));
}

/** One line about `subject` on the error stream; none where there is nothing to tell. */
export function tellNotes(subject: string, notes: readonly string[]): void {
  if (notes.length > 0) console.error(`bneck: ${oneLine(subject)}: ${notes.map(oneLine).join('; ')}.`);
}

/** Reads a model file and tells its notes. @throws BneckError as `readModelFile` does */
export async function readModel(path: string, lineage: Lineage | undefined): Promise<ModelFile> {
  const { file, notes } = await readModelFile(path, { lineage });
  tellNotes(path, notes);
  return file;
}
