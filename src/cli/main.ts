/**
 * The command line. One file a command; this one puts them together and turns whatever happens
 * into an exit code: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C. Invariant: results
 * go to the output, problems to the error stream, each problem in one line.
 */
import { Command } from 'commander';
import { BNECK_VERSION } from '../model/model-file.ts';
import { enableWideVectors } from '../runtime/wide-vectors.node.ts';
import { augmentCommand } from './augment-command.ts';
import { benchmarkCommand } from './benchmark-command.ts';
import { compareCommand } from './compare-command.ts';
import { evaluateCommand } from './evaluate-command.ts';
import { explainCommand } from './explain-command.ts';
import { exportCommand } from './export-command.ts';
import { lrFindCommand } from './lr-find-command.ts';
import { predictCommand } from './predict-command.ts';
import { reportCommand } from './report-command.ts';
import { reportError, usageLine } from './report-error.ts';
import { summaryCommand } from './summary-command.ts';
import { trainCommand } from './train-command.ts';

function createProgram(): Command {
  const program = new Command('bneck')
    .description('MobileNetV3 for TypeScript: train it on your pictures, judge it, ask it.')
    .version(BNECK_VERSION)
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nFor example:\n  bneck train examples/fashion\n  bneck predict runs/1/best.safetensors picture.jpg\n',
    );
  const commands = [
    trainCommand(),
    lrFindCommand(),
    augmentCommand(),
    evaluateCommand(),
    predictCommand(),
    explainCommand(),
    reportCommand(),
    compareCommand(),
    exportCommand(),
    summaryCommand(),
    benchmarkCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({
      outputError: (text, write) => {
        const hint = command === program ? 'bneck --help' : `bneck ${command.name()} --help`;
        write(`${usageLine(text)} See ${hint}.\n`);
      },
    });
  }
  return program;
}

/** A reader that has seen enough (`bneck summary large | head`) is no error. */
function quitWhenOutputCloses(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/**
 * Runs one command.
 * @param args as after `bneck` on the command line
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  quitWhenOutputCloses();
  if (process.env.BNECK_WIDE_VECTORS !== '0') enableWideVectors();
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportError(error, args.includes('--verbose'));
  }
}
