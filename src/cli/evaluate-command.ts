/** `bneck evaluate MODEL DATA`: how often a model is right on labelled pictures, class by class. */
import { Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import type { DataPart } from '../data/found-data.ts';
import { type BadPicture, BatchLoader } from '../data/loader.ts';
import { withoutRemedy } from '../data/unreadable.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { type ClassificationMetrics, classificationMetrics } from '../report/classification-metrics.ts';
import { formatCount } from '../report/format.ts';
import { CHOICE_BOUNDS, THREAD_BOUNDS } from '../train/bounds.ts';
import { addDataOptions, DATA_ARGUMENT, type DataFlags, dataReading } from './data-options.ts';
import { collectLogits } from './evaluate/collect-logits.ts';
import { classTable, confusionText, mainFigures } from './evaluate/metrics-text.ts';
import { openEvaluationData } from './open-evaluation-data.ts';
import { numberWithin, oneOf } from './parse-option.ts';
import { ProgressBar } from './progress-bar.ts';
import { lineageOption, readModel, tellNotes } from './read-model.ts';

const MOST_BAD_NAMED = 5;
const PARTS: readonly DataPart[] = ['validation', 'train', 'test', 'all'];

interface EvaluateFlags extends DataFlags {
  split?: DataPart;
  /** True: in place of the text. */
  json?: string | true;
  flip?: boolean;
  skipBad?: boolean;
  lineage?: Lineage;
  threads?: number;
  batch?: number;
}

/** JSON with a line for each entry, so that a matrix of many classes does not become a million lines. */
function jsonLines(entries: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(entries).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{\n${lines.join(',\n')}\n}`;
}

/** The metrics as a record; shares of nothing are null. */
function metricsRecord(metrics: ClassificationMetrics, names: readonly string[], seconds: number) {
  const { pictures, top1, top5, loss, macroF1, ece, perClass, confusion } = metrics;
  const classes = names.length;
  return {
    pictures,
    top1,
    top5,
    loss,
    macroF1,
    ece,
    seconds,
    imagesPerSecond: pictures / seconds,
    classes: perClass.map((figures, index) => ({ name: names[index], ...figures })),
    confusion: names.map((_, label) => [...confusion.subarray(label * classes, (label + 1) * classes)]),
  };
}

/** What a picture's error leaves unsaid. */
function tellSkipBad(error: unknown): never {
  if (!(error instanceof BneckError) || error.code !== 'image') throw error;
  throw new BneckError(
    'image',
    `${withoutRemedy(error.message)}. Replace or remove it, or judge the model on the others with --skip-bad.`,
    { cause: error },
  );
}

function badText(bad: readonly BadPicture[]): string {
  const named = bad.slice(0, MOST_BAD_NAMED).map(({ reason }) => `  ${withoutRemedy(reason)}`);
  const more = bad.length > named.length ? [`  and ${bad.length - named.length} more`] : [];
  return [`Not counted, since they cannot be read: ${formatCount(bad.length)}`, ...named, ...more].join('\n');
}

async function runEvaluate(modelPath: string, data: string, flags: EvaluateFlags): Promise<void> {
  const { split, json, flip = false, skipBad = false, lineage, threads } = flags;
  const { Model } = await import('../model/model.ts');
  const model = Model.from(await readModel(modelPath, lineage), threads === undefined ? {} : { threads });
  try {
    const { file } = model;
    const { dataset, part, notes } = await openEvaluationData(data, file, split, await dataReading(flags));
    tellNotes(data, notes);
    const batchSize = flags.batch ?? (file.preprocessing.resolution <= 128 ? 64 : 32);
    const { preprocessing } = file;
    const loader = new BatchLoader(dataset, { batchSize, preprocessing, augmentation: null, skipBad });
    const progress = new ProgressBar('evaluating', dataset.length);
    const predict = (pictures: Uint8Array, count: number) => model.forwardBytes(pictures, count);
    const collected = await collectLogits(predict, loader, flip, (done) => progress.update(done))
      .catch(tellSkipBad)
      .finally(() => progress.stop());
    const { bad } = loader;
    if (collected.labels.length === 0)
      throw new BneckError(
        'image',
        `${data}: none of its pictures can be read, such as ${withoutRemedy(bad[0]?.reason ?? '')}.`,
      );
    const names = dataset.classes;
    const metrics = classificationMetrics(collected.labels, collected.logits, names.length);
    if (json !== undefined) {
      const record = metricsRecord(metrics, names, collected.seconds);
      const badPictures = bad.map(({ name, reason }) => ({ name, reason: withoutRemedy(reason) }));
      const text = jsonLines({ model: modelPath, data, split: split ?? null, flip, ...record, badPictures });
      if (json === true) {
        console.log(text);
        return;
      }
      await writeFileAtomic(json, new TextEncoder().encode(`${text}\n`));
    }
    const flipped = flip ? ', each as it is and mirrored' : '';
    console.log(`${modelPath} (${describeArchitecture(file.architecture)})`);
    console.log(`${data}, ${part}: ${formatCount(metrics.pictures)}${flipped}\n`);
    console.log(`${mainFigures(metrics, collected.seconds)}\n`);
    console.log(`${classTable(metrics, names)}\n`);
    console.log(confusionText(metrics, names));
    if (bad.length > 0) console.log(`\n${badText(bad)}`);
    if (json !== undefined) console.log(`\nsaved  ${json}`);
  } finally {
    await model.dispose();
  }
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('judge a model on labelled pictures')
    .description(
      'Judges a model on labelled pictures: accuracy, loss, precision, recall and F1 of each class, and which classes are taken for which.',
    )
    .argument('<MODEL>', "a model file: a run's best.safetensors, or weights of torchvision or timm")
    .argument('<DATA>', DATA_ARGUMENT)
    .addOption(
      new Option(
        '--split <part>',
        'validation, train, test or all (default: validation where the data are divided, or are those the model was trained on)',
      ).argParser(oneOf(PARTS)),
    )
    .option('--flip', 'ask about each picture and its mirror image, and average the probabilities')
    .option('--skip-bad', 'pass over pictures that cannot be read; they are named and do not count')
    .addOption(lineageOption())
    .option('--json [file]', 'all figures as JSON: in place of the text or, with a name, into a file beside it')
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
