/** `bneck evaluate MODEL DATA`: how often a model is right on labelled pictures. */
import { Command, Option } from 'commander';
import type { DataPart } from '../data/found-data.ts';
import { BatchLoader } from '../data/loader.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { formatCount, formatPercent, formatRate } from '../report/format.ts';
import { CHOICE_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import { evaluateDataset } from '../train/evaluate-dataset.ts';
import { addDataOptions, DATA_ARGUMENT, type DataFlags, dataReading } from './data-options.ts';
import { openEvaluationData } from './open-evaluation-data.ts';
import { numberWithin, oneOf } from './parse-option.ts';
import { lineageOption, readModel, tellNotes } from './read-model.ts';

const PARTS: readonly DataPart[] = ['validation', 'train', 'test', 'all'];

interface EvaluateFlags extends DataFlags {
  split?: DataPart;
  json?: boolean;
  lineage?: Lineage;
  threads?: number;
  batch?: number;
}

async function runEvaluate(modelPath: string, data: string, flags: EvaluateFlags): Promise<void> {
  const { split, json = false, lineage, threads } = flags;
  const { Model } = await import('../model/model.ts');
  const model = Model.from(await readModel(modelPath, lineage), threads === undefined ? {} : { threads });
  try {
    const { file } = model;
    const { dataset, part, notes } = await openEvaluationData(data, file, split, await dataReading(flags));
    tellNotes(data, notes);
    const batchSize = flags.batch ?? (file.preprocessing.resolution <= 128 ? 64 : 32);
    const loader = new BatchLoader(dataset, { batchSize, preprocessing: file.preprocessing, augmentation: null });
    const result = await evaluateDataset((pictures, count) => model.forwardBytes(pictures, count), loader);
    if (result === null) return;
    const { pictures, loss, top1, top5, seconds } = result;
    const imagesPerSecond = pictures / seconds;
    if (json) {
      const report = {
        model: modelPath,
        data,
        split: split ?? null,
        pictures,
        top1,
        top5,
        loss,
        seconds,
        imagesPerSecond,
      };
      console.log(JSON.stringify(report, null, 2));
      return;
    }
    console.log(`${modelPath} (${describeArchitecture(file.architecture)})`);
    console.log(`${data}, ${part}: ${formatCount(pictures)}\n`);
    console.log(`top-1 accuracy  ${formatPercent(top1, 2)}`);
    console.log(`top-5 accuracy  ${formatPercent(top5, 2)}`);
    console.log(`loss            ${loss.toFixed(4)}`);
    console.log(`speed           ${formatRate(imagesPerSecond)}`);
  } finally {
    await model.dispose();
  }
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('judge a model on labelled pictures')
    .description('Judges a model on labelled pictures: accuracy and loss.')
    .argument('<MODEL>', "a model file: a run's best.safetensors, or weights of torchvision or timm")
    .argument('<DATA>', DATA_ARGUMENT)
    .addOption(
      new Option(
        '--split <part>',
        'validation, train, test or all (default: validation where the data are divided, or are those the model was trained on)',
      ).argParser(oneOf(PARTS)),
    )
    .addOption(lineageOption())
    .option('--json', 'as JSON')
    .addOption(
      new Option('--threads <count>', 'default: as many as the machine runs at once').argParser(
        numberWithin(THREAD_BOUNDS),
      ),
    )
    .addOption(
      new Option('--batch <count>', 'pictures at a time').argParser(numberWithin({ ...CHOICE_BOUNDS.batch, least: 1 })),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runEvaluate);
  return addDataOptions(command);
}
