/** `bneck report RUN`: draws the report of a run again, from its folder and the data. */
import { Command, Option } from 'commander';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import { numberWithin } from './parse-option.ts';
import { tellNotes } from './read-model.ts';

interface ReportFlags {
  data?: string;
  png?: boolean;
  threads?: number;
}

async function runReport(run: string, flags: ReportFlags): Promise<void> {
  const { writeReport } = await import('./report/write-report.ts');
  const { files, missing } = await writeReport(run, flags);
  for (const text of missing) tellNotes(run, [text.replace(/\.$/, '')]);
  for (const file of files) console.log(file);
}

export function reportCommand(): Command {
  return new Command('report')
    .summary('draw the report of a run again')
    .description(
      "Draws a run's report into its folder: report.html, curves.svg and confusion-matrix.svg. Training does it by itself; this does it again, after the data were moved for example.",
    )
    .argument('<RUN>', 'the folder of a run, such as runs/1')
    .option('--data <folder>', 'where the data are now (default: where they were)')
    .option('--png', 'write the charts as PNG files too')
    .addOption(
      new Option('--threads <count>', 'default: as many as the machine runs at once').argParser(
        numberWithin(THREAD_BOUNDS),
      ),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runReport);
}
