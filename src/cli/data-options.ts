/**
 * The options that say how data are read, shared by the commands that read them: what a path alone does not say.
 */
import type { Command } from 'commander';
import { readClassesFile } from '../data/classes-file.node.ts';

/** As commander hands them over: named after the flags. */
export interface DataFlags {
  classesFile?: string | undefined;
  root?: string | undefined;
  allowOutside?: boolean | undefined;
}

export interface DataReading {
  readonly classes: readonly string[] | undefined;
  readonly root: string | undefined;
  readonly allowOutside: boolean | undefined;
}

export const DATA_ARGUMENT =
  'a folder of class folders, IDX or CIFAR files, or a .csv (lists of pictures, FER-2013) or .zip file';

/** Adds the options to a command. */
export function addDataOptions(command: Command): Command {
  return command
    .option('--classes-file <file>', 'class names in the order of the labels, one a line')
    .option('--root <folder>', "where the paths in a CSV file start (default: the file's own folder)")
    .option('--allow-outside', 'let a CSV file name pictures outside of the root');
}

/** Flags as options of the readers. @throws BneckError 'data' for a file that is no list of names */
export async function dataReading({ classesFile, root, allowOutside }: DataFlags): Promise<DataReading> {
  return { classes: classesFile === undefined ? undefined : await readClassesFile(classesFile), root, allowOutside };
}
