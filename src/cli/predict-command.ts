/** `bneck predict MODEL IMAGES…`: what the pictures show, the likeliest classes first. */
import { once } from 'node:events';
import { Command, Option } from 'commander';
import type { Lineage } from '../models/lineages.ts';
import { formatCount, formatPercent } from '../report/format.ts';
import { CHOICE_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import { numberWithin } from './parse-option.ts';
import type { Answer } from './predict/predict-pictures.ts';
import { ProgressBar } from './progress-bar.ts';
import { lineageOption, readModel } from './read-model.ts';
import { EXIT_FAILURE, oneLine } from './report-error.ts';

interface PredictFlags {
  top: number;
  json?: boolean;
  jsonl?: boolean;
  batch?: number;
  lineage?: Lineage;
  threads?: number;
}

/** Up to this resolution a batch of many small pictures is quick; above it few keep answers flowing. */
const SMALL_RESOLUTION = 128;
const SMALL_PICTURES = 32;
const LARGE_PICTURES = 8;
/** Failed pictures that the last line names. */
const NAMED = 5;

/** A line of results. Waits where the reader is slower. */
async function writeLine(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

function answerText(answer: Answer): string | null {
  if ('error' in answer) return null;
  const lines = answer.predictions.map(
    ({ label, probability }) => `  ${formatPercent(probability, 2).padStart(7)}  ${oneLine(label)}`,
  );
  return [oneLine(answer.image), ...lines, ''].join('\n');
}

/** One bad picture does not keep the others from being answered, but shows in the exit code. */
async function runPredict(modelPath: string, images: string[], flags: PredictFlags): Promise<void> {
  const { top, json = false, jsonl = false, lineage, threads } = flags;
  const { Model } = await import('../model/model.ts');
  const { findPictures } = await import('./predict/find-pictures.ts');
  const { predictPictures } = await import('./predict/predict-pictures.ts');
  const model = Model.from(await readModel(modelPath, lineage), threads === undefined ? {} : { threads });
  const found = await findPictures(images);
  const usual = model.preprocessing.resolution <= SMALL_RESOLUTION ? SMALL_PICTURES : LARGE_PICTURES;
  const batch = Math.min(flags.batch ?? usual, found.length);
  // Answers that scroll by on a terminal are progress enough.
  const progress = new ProgressBar('predicting', found.length, !process.stdout.isTTY);
  const answers: Answer[] = [];
  const failed: string[] = [];
  let done = 0;
  try {
    for await (const answer of predictPictures(found, model, { top, batch })) {
      if ('error' in answer) {
        failed.push(oneLine(answer.image));
        progress.line(`bneck: ${answer.error}`);
      }
      if (json) answers.push(answer);
      else {
        const text = jsonl ? JSON.stringify(answer) : answerText(answer);
        if (text !== null) await writeLine(text);
      }
      progress.update(++done);
    }
    if (json) await writeLine(JSON.stringify(answers, null, 2));
  } finally {
    progress.stop();
    await model.dispose();
  }
  if (failed.length === 0) return;
  process.exitCode = EXIT_FAILURE;
  if (found.length === 1) return;
  const names = failed.slice(0, NAMED).join(', ') + (failed.length > NAMED ? ', …' : '');
  console.error(`bneck: ${formatCount(failed.length)} of ${formatCount(found.length)} pictures failed: ${names}`);
}

export function predictCommand(): Command {
  return new Command('predict')
    .summary('say what pictures show')
    .description(
      'Says what pictures show: the likeliest classes of a trained model, with their probabilities. Answers come in the order of the pictures, while the work goes on. A picture that cannot be read is told on the error stream, the others are answered, and the exit code is 1.',
    )
    .argument('<MODEL>', "a model file: a run's best.safetensors, or weights of torchvision or timm")
    .argument(
      '<IMAGES...>',
      "pictures, folders (with all pictures below them) and patterns such as 'photos/**/*.jpg' (in quotes, or the shell takes them)",
    )
    .addOption(
      new Option('--top <count>', 'classes to show')
        .default(5)
        .argParser(numberWithin({ least: 1, greatest: 1_000_000, whole: true })),
    )
    .addOption(
      new Option(
        '--jsonl',
        'a line of JSON a picture, as they come: image, predictions (label, index, probability) and ms, the time the network took (its batch, divided); or image and error',
      ).conflicts('json'),
    )
    .option('--json', 'all of it as one JSON array, at the end')
    .addOption(
      new Option(
        '--batch <count>',
        `pictures at a time (default: ${SMALL_PICTURES} up to ${SMALL_RESOLUTION} px, else ${LARGE_PICTURES})`,
      ).argParser(numberWithin({ ...CHOICE_BOUNDS.batch, least: 1 })),
    )
    .addOption(lineageOption())
    .addOption(
      new Option('--threads <count>', 'default: as many as the machine runs at once').argParser(
        numberWithin(THREAD_BOUNDS),
      ),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runPredict);
}
