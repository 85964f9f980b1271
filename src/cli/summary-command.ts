/** `bneck summary large|small|v2`: a network block by block, without weights or pictures. */
import { Argument, Command, Option } from 'commander';
import { formatSummary, summarize } from '../graph/summary.ts';
import { MAXIMUM_CLASSES, parseArchitecture } from '../models/parse-architecture.ts';
import { CHOICE_BOUNDS } from '../train/bounds.ts';
import { MODEL_FAMILIES } from '../train/choose-network.ts';
import type { ModelName } from '../train/recipe.ts';
import { numberWithin, oneOf, reductionOption } from './parse-option.ts';
import { MODEL_NAMES } from './train-command.ts';

interface SummaryFlags {
  width?: number;
  resolution?: number;
  classes?: number;
  reduction?: 32 | 16 | 8;
  json?: boolean;
}

function runSummary(model: ModelName, flags: SummaryFlags): void {
  const { width, resolution = 224, classes, reduction, json = false } = flags;
  const architecture = parseArchitecture({ family: MODEL_FAMILIES[model], width, classes, reduction });
  const summary = summarize(architecture, resolution);
  console.log(json ? JSON.stringify(summary, null, 2) : formatSummary(summary));
}

export function summaryCommand(): Command {
  return new Command('summary')
    .summary('show a network block by block')
    .description('Shows a network block by block: output shapes, parameters, multiply-adds.')
    .addArgument(new Argument('<model>', 'large, small or v2').argParser(oneOf(MODEL_NAMES)))
    .addOption(
      new Option('--width <number>', 'channel multiplier (default: 1)').argParser(numberWithin(CHOICE_BOUNDS.width)),
    )
    .addOption(new Option('--resolution <pixels>', 'default: 224').argParser(numberWithin(CHOICE_BOUNDS.resolution)))
    .addOption(
      new Option('--classes <count>', 'default: 1000').argParser(
        numberWithin({ least: 1, greatest: MAXIMUM_CLASSES, whole: true }),
      ),
    )
    .addOption(new Option('--reduction <times>', 'input size over last map: 32, 16 or 8').argParser(reductionOption))
    .option('--json', 'as JSON')
    .option('--verbose', 'show stack traces of errors')
    .action(runSummary);
}
