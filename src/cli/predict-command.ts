/** `bneck predict MODEL IMAGES…`: what the pictures show, the likeliest classes first. */
import { Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import type { Classification } from '../model/classification.ts';
import type { Lineage } from '../models/lineages.ts';
import { formatPercent } from '../report/format.ts';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import { numberWithin } from './parse-option.ts';
import { lineageOption, readModel } from './read-model.ts';
import { EXIT_FAILURE, oneLine } from './report-error.ts';

interface PredictFlags {
  top: number;
  json?: boolean;
  lineage?: Lineage;
  threads?: number;
}

interface Answer {
  readonly image: string;
  readonly predictions?: readonly Classification[];
  readonly error?: string;
}

function printAnswer({ image, predictions = [] }: Answer): void {
  const lines = predictions.map(
    ({ label, probability }) => `  ${formatPercent(probability, 2).padStart(7)}  ${oneLine(label)}`,
  );
  console.log([oneLine(image), ...lines, ''].join('\n'));
}

/** One bad picture does not keep the others from being answered, but shows in the exit code. */
async function runPredict(modelPath: string, images: string[], flags: PredictFlags): Promise<void> {
  const { top, json = false, lineage, threads } = flags;
  const { Model } = await import('../model/model.ts');
  const model = Model.from(await readModel(modelPath, lineage), threads === undefined ? {} : { threads });
  const answers: Answer[] = [];
  try {
    for (const image of images) {
      try {
        const answer = { image, predictions: await model.classify(image, { top }) };
        answers.push(answer);
        if (!json) printAnswer(answer);
      } catch (error) {
        if (!(error instanceof BneckError && error.code === 'image')) throw error;
        const message = oneLine(error.message).replace(/; replace or remove it.*$/, '');
        answers.push({ image, error: message });
        console.error(`bneck: ${message}`);
        process.exitCode = EXIT_FAILURE;
      }
    }
  } finally {
    await model.dispose();
  }
  if (json) console.log(JSON.stringify(answers, null, 2));
}

export function predictCommand(): Command {
  return new Command('predict')
    .summary('say what pictures show')
    .description('Says what pictures show: the likeliest classes of a trained model, with their probabilities.')
    .argument('<MODEL>', "a model file: a run's best.safetensors, or weights of torchvision or timm")
    .argument('<IMAGES...>', 'pictures')
    .addOption(
      new Option('--top <count>', 'classes to show')
        .default(5)
        .argParser(numberWithin({ least: 1, greatest: 1_000_000, whole: true })),
    )
    .addOption(lineageOption())
    .option('--json', 'as JSON')
    .addOption(
      new Option('--threads <count>', 'default: as many as the machine runs at once').argParser(
        numberWithin(THREAD_BOUNDS),
      ),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runPredict);
}
