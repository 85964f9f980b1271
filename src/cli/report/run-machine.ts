/**
 * `report.json` of a run: the numbers of its report for programs, and the machine it was trained on, which
 * stands nowhere else. Drawing a report again keeps what is known of the machine.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../base/write-file.node.ts';
import type { JudgedPictures } from '../../report/run-report.ts';
import { type Circumstances, circumstances } from '../benchmark/benchmark-report.ts';

export interface RunMachine extends Circumstances {
  /** That training ran on. */
  readonly threads: number;
}

const machineSchema = z.object({
  bneck: z.string().max(100),
  node: z.string().max(100),
  machine: z.string().max(500),
  cores: z.int().min(1),
  // reports of versions without wide vectors do not say
  vectors: z.literal([128, 256]).default(128),
  threads: z.int().min(1),
});
const reportSchema = z.object({ trainedOn: machineSchema });

function reportPath(run: string): string {
  return join(run, 'report.json');
}

export function thisMachine(threads: number): RunMachine {
  return { ...circumstances(), threads };
}

/** Null where it is not known. */
export async function readMachine(run: string): Promise<RunMachine | null> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(reportPath(run), 'utf8'))).trainedOn;
  } catch {
    return null;
  }
}

/** Above this many classes the matrix is left to those who compute it themselves. */
const MOST_CLASSES = 200;

export async function writeReportNumbers(
  run: string,
  trainedOn: RunMachine | null,
  classNames: readonly string[],
  judged: JudgedPictures | null,
): Promise<void> {
  const classes = classNames.length;
  const validation = judged && {
    pictures: judged.metrics.pictures,
    top1: judged.metrics.top1,
    top5: judged.metrics.top5,
    loss: judged.metrics.loss,
    macroF1: judged.metrics.macroF1,
    ece: judged.metrics.ece,
    classes: judged.metrics.perClass.map((metrics, label) => ({ name: classNames[label], ...metrics })),
    confusion:
      classes > MOST_CLASSES
        ? null
        : classNames.map((_, row) => [...judged.metrics.confusion.subarray(row * classes, (row + 1) * classes)]),
  };
  await writeFileAtomic(reportPath(run), `${JSON.stringify({ trainedOn, validation }, null, 1)}\n`);
}
