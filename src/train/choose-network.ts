/**
 * Which network suits the pictures: its resolution, its total reduction, and the architecture of
 * the asked kind with as many outputs as there are classes. A part of `chooseRecipe`.
 * Invariant: with starting weights, the architecture is theirs but for classes and reduction, which
 * leave the shapes of all weights below the last layer as they are.
 */
import { BneckError } from '../base/errors.ts';
import type { ModelFile } from '../model/model-file.ts';
import type { Architecture, Family } from '../models/architecture.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';
import type { DataFacts, ModelName, TrainingChoices } from './recipe.ts';

export const MODEL_FAMILIES: Readonly<Record<ModelName, Family>> = {
  large: 'mobilenet_v3_large',
  small: 'mobilenet_v3_small',
  v2: 'mobilenet_v2',
};

const FULL_RESOLUTION = 224;
/** Pictures from here on are taken for photographs, which the networks were designed for. */
const PHOTOGRAPH_SIDE = 200;
const RESOLUTION_STEP = 16;
const LEAST_RESOLUTION = 32;

/** The resolution for pictures of this median short side, in pixels: 28 -> 32, 48 -> 48, 200 and more -> 224. */
export function resolutionFor(medianShortSide: number): number {
  if (medianShortSide >= PHOTOGRAPH_SIDE) return FULL_RESOLUTION;
  return Math.max(LEAST_RESOLUTION, Math.round(medianShortSide / RESOLUTION_STEP) * RESOLUTION_STEP);
}

/** Small pictures have no detail to throw away: the last map stays at least about 4 x 4. */
export function reductionFor(resolution: number): 32 | 16 | 8 {
  if (resolution <= 64) return 8;
  return resolution <= 128 ? 16 : 32;
}

/** The resolution and why. */
export function chooseResolution(
  { resolution }: TrainingChoices,
  { medianShortSide }: DataFacts,
  start: ModelFile | null,
): [number, string] {
  if (resolution !== undefined) return [resolution, `resolution ${resolution}, as asked`];
  if (start !== null) {
    const known = start.preprocessing.resolution;
    return [known, `resolution ${known}, the one the weights were trained at`];
  }
  const chosen = resolutionFor(medianShortSide);
  return [chosen, `resolution ${chosen}, since the pictures' short side is ${medianShortSide} px (median)`];
}

/** The total reduction and why. @throws BneckError 'option' for a resolution smaller than the reduction */
export function chooseReduction(
  choices: TrainingChoices,
  resolution: number,
  start: ModelFile | null,
): [32 | 16 | 8, string] {
  const { model, reduction } = choices;
  const given = typeof model === 'object' ? model.reduction : undefined;
  if (given !== undefined && reduction !== undefined && given !== reduction) {
    throw new BneckError(
      'option',
      `reduction ${reduction} contradicts the given architecture's ${given}; leave it out.`,
    );
  }
  const asked = reduction ?? given;
  const chosen = asked ?? start?.architecture.reduction ?? reductionFor(resolution);
  if (resolution < chosen) {
    const remedy = `Take resolution ${chosen} or more, or reduction 8.`;
    throw new BneckError('option', `resolution ${resolution} leaves nothing after a reduction of ${chosen}. ${remedy}`);
  }
  if (asked !== undefined) return [chosen, `reduction ${chosen}, as asked`];
  if (start !== null) return [chosen, `reduction ${chosen}, as in the model that the weights come from`];
  const map = Math.ceil(resolution / chosen);
  return [chosen, `reduction ${chosen}, so that the last map is ${map}x${map}`];
}

function contradiction(asked: string, found: string): BneckError {
  const remedy = 'Leave it out to go on with these weights, or leave the weights out to start afresh.';
  return new BneckError('option', `${asked} contradicts the weights, which belong to ${found}. ${remedy}`);
}

/** The architecture of the starting weights, unless other choices say otherwise. */
function architectureOf(choices: TrainingChoices, start: ModelFile): Architecture {
  const { model, width } = choices;
  const { architecture } = start;
  const found = describeArchitecture(architecture);
  if (typeof model === 'string' && MODEL_FAMILIES[model] !== architecture.family) {
    throw contradiction(`model ${model}`, found);
  }
  if (typeof model === 'object') {
    const same = { classes: 1, reduction: 32, dropout: 0 } as const;
    const asked = parseArchitecture({ ...model, ...same });
    if (JSON.stringify(asked) !== JSON.stringify(parseArchitecture({ ...architecture, ...same }))) {
      throw contradiction(`model ${describeArchitecture(model)}`, found);
    }
    return model;
  }
  if (width !== undefined && width !== architecture.width) throw contradiction(`width ${width}`, found);
  return architecture;
}

/**
 * The architecture to train.
 * @throws BneckError 'option' for choices that contradict each other, the classes or the starting weights
 */
export function chooseArchitecture(
  choices: TrainingChoices,
  classes: number,
  reduction: 32 | 16 | 8,
  start: ModelFile | null,
): Architecture {
  const { model = 'small', width } = choices;
  if (typeof model === 'object') {
    if (width !== undefined && width !== model.width) {
      throw new BneckError(
        'option',
        `width ${width} contradicts the given architecture's ${model.width}; leave it out.`,
      );
    }
    if (model.classes !== classes) {
      const found = `the data have ${classes} classes, the given architecture ${model.classes}`;
      throw new BneckError('option', `${found}. Make it with classes: ${classes}.`);
    }
  } else if (!Object.hasOwn(MODEL_FAMILIES, model)) {
    throw new BneckError('option', `model ${String(model)}: give ${Object.keys(MODEL_FAMILIES).join(', ')}.`);
  }
  if (start !== null) return parseArchitecture({ ...architectureOf(choices, start), classes, reduction });
  if (typeof model === 'object') return parseArchitecture({ ...model, reduction });
  return parseArchitecture({ family: MODEL_FAMILIES[model], classes, width, reduction });
}
