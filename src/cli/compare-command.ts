/** `bneck compare RUNS…`: runs side by side, as a page and as a table. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { writeFileAtomic } from '../base/write-file.node.ts';
import type { ComparedRun } from '../report/compare-page.node.ts';
import { formatBytes, formatCount, formatDuration, formatPercent } from '../report/format.ts';
import { formatTable } from '../report/table.ts';
import { defaultThreads } from '../runtime/machine.node.ts';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import { numberWithin } from './parse-option.ts';

interface CompareFlags {
  out: string;
  threads?: number;
}

/** An ending guards against writing over a run's model. */
function pageName(text: string): string {
  if (text.toLowerCase().endsWith('.html')) return text;
  throw new InvalidArgumentError('Give a name that ends in .html.');
}

function row(run: ComparedRun): string[] {
  const { name, best, rows, parameters, multiplyAdds, latencyMs, modelBytes, trainingSeconds } = run;
  return [
    name,
    formatPercent(best?.validationAccuracy ?? Number.NaN, 2),
    formatCount(rows.length),
    formatCount(parameters),
    `${(multiplyAdds / 1e6).toFixed(1)} M`,
    Number.isFinite(latencyMs) ? `${latencyMs.toFixed(2)} ms` : 'n/a',
    formatBytes(modelBytes),
    formatDuration(trainingSeconds),
  ];
}

async function runCompare(paths: string[], { out, threads = defaultThreads() }: CompareFlags): Promise<void> {
  const [{ compareRuns }, { renderComparison }] = await Promise.all([
    import('./report/compare-runs.ts'),
    import('../report/compare-page.node.ts'),
  ]);
  const comparison = await compareRuns(paths, threads);
  await writeFileAtomic(out, await renderComparison(comparison));
  const titles = ['accuracy', 'epochs', 'parameters', 'multiply-adds', 'latency', 'file', 'training'];
  const numbers = titles.map((title) => ({ title, align: 'right' as const }));
  console.log(formatTable([{ title: 'run', align: 'left' }, ...numbers], comparison.runs.map(row)));
  for (const note of comparison.notes) console.log(note);
  console.log(`\nsaved  ${out}`);
}

export function compareCommand(): Command {
  return new Command('compare')
    .summary('set runs side by side')
    .description(
      'Sets runs side by side: curves over each other, accuracy, size, cost, latency on this machine, and what differs in their recipes.',
    )
    .argument('<RUNS...>', 'folders of runs, such as runs/1 runs/2')
    .addOption(new Option('--out <file>', 'the page').default('compare.html').argParser(pageName))
    .addOption(
      new Option(
        '--threads <count>',
        'to measure latency with (default: as many as the machine runs at once)',
      ).argParser(numberWithin(THREAD_BOUNDS)),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runCompare);
}
