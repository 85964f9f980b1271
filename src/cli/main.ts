/**
 * The command line. One file a command; this one puts them together and turns whatever happens
 * into an exit code: 0 done, 1 failed, 2 called wrongly, 130 stopped by Ctrl-C. Invariant: results
 * go to the output, problems to the error stream, each problem in one line.
 */
import { Command } from 'commander';
import { BNECK_VERSION } from '../model/model-file.ts';
import { enableWideVectors } from '../runtime/wide-vectors.node.ts';
import { reportError, usageLine } from './report-error.ts';

/** By name, each loaded where it is asked for. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['train', async () => (await import('./train-command.ts')).trainCommand()],
  ['lr-find', async () => (await import('./lr-find-command.ts')).lrFindCommand()],
  ['augment', async () => (await import('./augment-command.ts')).augmentCommand()],
  ['evaluate', async () => (await import('./evaluate-command.ts')).evaluateCommand()],
  ['predict', async () => (await import('./predict-command.ts')).predictCommand()],
  ['explain', async () => (await import('./explain-command.ts')).explainCommand()],
  ['report', async () => (await import('./report-command.ts')).reportCommand()],
  ['compare', async () => (await import('./compare-command.ts')).compareCommand()],
  ['export', async () => (await import('./export-command.ts')).exportCommand()],
  ['summary', async () => (await import('./summary-command.ts')).summaryCommand()],
  ['benchmark', async () => (await import('./benchmark-command.ts')).benchmarkCommand()],
]);

/** @param asked the first argument: the command, or what is for all of them, as --help and a mistyped one */
async function createProgram(asked = ''): Promise<Command> {
  const program = new Command('bneck')
    .description('MobileNetV3 for TypeScript: train it on your pictures, judge it, ask it.')
    .version(BNECK_VERSION)
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nFor example:\n  bneck train examples/fashion\n  bneck predict runs/1/best.safetensors picture.jpg\n',
    );
  const command = COMMANDS.get(asked);
  const commands = await Promise.all((command ? [command] : [...COMMANDS.values()]).map((load) => load()));
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
    const program = await createProgram(args[0]);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportError(error, args.includes('--verbose'));
  }
}
