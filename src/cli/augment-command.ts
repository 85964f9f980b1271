/**
 * `bneck augment DATA`: shows what a training would see of some of its pictures in its first epochs,
 * as a sheet. The random changes are those of `bneck train` with the same options, to the last byte.
 */
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { RandomStream } from '../base/random.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { drawOperations } from '../data/augment/augment-picture.ts';
import type { AugmentationOp } from '../data/augment/augmentation.ts';
import { applyOperation, describeOperation } from '../data/augment/picture-operation.ts';
import type { Dataset } from '../data/dataset.ts';
import { formatBytes } from '../report/format.ts';
import { CHOICE_BOUNDS } from '../train/bounds.ts';
import { chooseRecipe } from '../train/choose-recipe.ts';
import type { Recipe } from '../train/recipe.ts';
import { cachedParts, openTrainingData } from '../train/training-data.node.ts';
import { augmentOption } from './augment-option.ts';
import { captionOf, drawSheet, type SheetRow } from './augmentation-sheet.ts';
import { numberWithin } from './parse-option.ts';

const EPOCHS_SHOWN = 6;
const COUNT_BOUNDS = { least: 1, greatest: 64, whole: true };

interface AugmentFlags {
  augment?: string;
  resolution?: number;
  seed?: number;
  count: number;
  out: string;
}

/** A picture, and what the first epochs see of it. */
export async function sheetRow(dataset: Dataset, index: number, recipe: Recipe): Promise<SheetRow> {
  const { augmentation, preprocessing, seed } = recipe;
  const picture = await dataset.read(index);
  const { width, height } = picture;
  const versions = Array.from({ length: EPOCHS_SHOWN }, (_, epoch) => {
    const stream = new RandomStream(seed, 'augment', epoch, index);
    const operations = drawOperations(augmentation, picture, preprocessing, stream);
    return {
      picture: operations.reduce(applyOperation, picture),
      caption: captionOf(operations.flatMap((operation) => describeOperation(operation, picture))),
    };
  });
  const className = dataset.classes[dataset.labels[index] as number] as string;
  const caption = [className, basename(dataset.name(index)), `${width} × ${height} px`];
  return { original: { picture, caption }, versions };
}

/** For example `flip probability 0.5`. */
function describeOp({ kind, ...parameters }: AugmentationOp): string {
  const number = (value: unknown) => (typeof value === 'number' ? String(Number(value.toFixed(3))) : String(value));
  const words = Object.entries(parameters).map(([name, value]) =>
    Array.isArray(value) ? `${name} [${value.map(number).join(', ')}]` : `${name} ${number(value)}`,
  );
  return [kind, words.join(', ')].join(' ').trim();
}

async function runAugment(data: string, flags: AugmentFlags): Promise<void> {
  const { augment, resolution, seed = 0, count, out } = flags;
  if (!out.toLowerCase().endsWith('.png')) {
    throw new BneckError('option', `--out ${out}: the sheet is a PNG file. Give a name that ends in .png.`);
  }
  const opened = await openTrainingData(data, { seed });
  const { recipe } = chooseRecipe({ augmentation: augment, resolution, seed }, opened.facts, null);
  const { train } = await cachedParts(opened, recipe, { cache: false });
  const shown = Math.min(count, train.length);
  const rows: SheetRow[] = [];
  for (let place = 0; place < shown; place++) {
    rows.push(await sheetRow(train, Math.floor((place * train.length) / shown), recipe));
  }
  const side = recipe.preprocessing.resolution;
  const ops = recipe.augmentation.map(describeOp);
  const bytes = await drawSheet({
    title: `${data}, as training sees it at ${side} × ${side} px`,
    subtitle: ops.length > 0 ? ops : ['no random changes'],
    columns: ['original', ...Array.from({ length: EPOCHS_SHOWN }, (_, epoch) => `epoch ${epoch + 1}`)],
    rows,
  });
  await writeFileAtomic(out, bytes);
  console.log(`augmentation  ${ops.join('\n              ') || 'none'}`);
  console.log(`saved         ${out} (${shown} pictures at ${side} px, ${formatBytes(bytes.length)})`);
}

export function augmentCommand(): Command {
  return new Command('augment')
    .summary('show what training sees of the pictures')
    .description(
      "Shows what random changes do to the pictures: a sheet with some of them, and what the first epochs of a training with the same seed see of each. Labels below say what happened. To use it, give the same --augment to 'bneck train'.",
    )
    .argument('<DATA>', 'the folder of the data: class folders or IDX files')
    .addOption(augmentOption())
    .addOption(new Option('--count <pictures>', 'pictures to show').default(8).argParser(numberWithin(COUNT_BOUNDS)))
    .addOption(
      new Option('--resolution <pixels>', 'side of the square the network sees (default: from the data)').argParser(
        numberWithin(CHOICE_BOUNDS.resolution),
      ),
    )
    .addOption(new Option('--seed <number>', 'default: 0').argParser(numberWithin(CHOICE_BOUNDS.seed)))
    .option('--out <file>', 'the sheet, a PNG file', 'sheet.png')
    .option('--verbose', 'show stack traces of errors')
    .action(runAugment);
}
