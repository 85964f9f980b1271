/** `bneck summary large|small|v2` or of a model file: a network block by block. */
import { Argument, Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { formatSummary, summarize } from '../graph/summary.ts';
import type { Architecture } from '../models/architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { MAXIMUM_CLASSES, parseArchitecture } from '../models/parse-architecture.ts';
import { CHOICE_BOUNDS } from '../train/bounds.ts';
import { MODEL_FAMILIES } from '../train/choose-network.ts';
import type { ModelName } from '../train/recipe.ts';
import { numberWithin, oneOf, reductionOption } from './parse-option.ts';
import { lineageOption, readModel } from './read-model.ts';
import { MODEL_NAMES } from './training-options.ts';

interface SummaryFlags {
  width?: number;
  resolution?: number;
  classes?: number;
  reduction?: 32 | 16 | 8;
  lineage?: Lineage;
  json?: boolean;
}

/** A network's name, or the path of a file: one with a folder or an ending. */
function nameOrPath(text: string): string {
  return /[./\\]/.test(text) ? text : oneOf(MODEL_NAMES)(text);
}

const isName = (model: string): model is ModelName => MODEL_NAMES.some((name) => name === model);

/** The architecture, and the resolution that it is for. */
async function networkOf(model: string, flags: SummaryFlags): Promise<[Architecture, resolution: number]> {
  const { width, classes, reduction, lineage } = flags;
  if (isName(model)) {
    if (lineage !== undefined)
      throw new BneckError('option', '--lineage is for weights. Give a file, or leave it out.');
    return [parseArchitecture({ family: MODEL_FAMILIES[model], width, classes, reduction }), 224];
  }
  for (const [name, value] of Object.entries({ width, classes, reduction })) {
    if (value === undefined) continue;
    throw new BneckError('option', `--${name} is for large, small and v2; a file has its own. Leave it out.`);
  }
  const { architecture, preprocessing } = await readModel(model, lineage);
  return [architecture, preprocessing.resolution];
}

async function runSummary(model: string, flags: SummaryFlags): Promise<void> {
  const [architecture, ownResolution] = await networkOf(model, flags);
  const { resolution = ownResolution, json = false } = flags;
  const summary = summarize(architecture, resolution);
  console.log(json ? JSON.stringify(summary, null, 2) : formatSummary(summary));
}

export function summaryCommand(): Command {
  return new Command('summary')
    .summary('show a network block by block')
    .description('Shows a network block by block: output shapes, parameters, multiply-adds.')
    .addArgument(new Argument('<model>', 'large, small or v2, or a model file').argParser(nameOrPath))
    .addOption(
      new Option('--width <number>', 'channel multiplier (default: 1)').argParser(numberWithin(CHOICE_BOUNDS.width)),
    )
    .addOption(
      new Option('--resolution <pixels>', "default: 224, or the model file's own").argParser(
        numberWithin(CHOICE_BOUNDS.resolution),
      ),
    )
    .addOption(
      new Option('--classes <count>', 'default: 1000').argParser(
        numberWithin({ least: 1, greatest: MAXIMUM_CLASSES, whole: true }),
      ),
    )
    .addOption(new Option('--reduction <times>', 'input size over last map: 32, 16 or 8').argParser(reductionOption))
    .addOption(lineageOption())
    .option('--json', 'as JSON')
    .option('--verbose', 'show stack traces of errors')
    .action(runSummary);
}
