/** The programs of a training session: all over one model's memory, in one engine. */
import type { Graph } from '../graph/graph.ts';
import { lowerAverage } from '../program/lower-average.ts';
import { lowerInference } from '../program/lower-inference.ts';
import type { UpdateOptions } from '../program/lower-optimizer.ts';
import { lowerHeadTraining, lowerTraining } from '../program/lower-training.ts';
import { rateShareByDepth, splitHead } from '../program/split-head.ts';
import type { Engine, LoadedProgram } from '../runtime/engine.ts';
import type { ModelMemory } from '../runtime/model-memory.ts';
import type { SessionOptions } from './session.ts';

/** A program with an update, and what the update needs to know at each step. */
export interface TrainingProgram {
  readonly program: LoadedProgram;
  readonly update: UpdateOptions;
}

export interface SessionPrograms {
  /** Gradient and update. */
  readonly training: TrainingProgram;
  /** The gradient of a micro-batch that is not the last of its update. */
  readonly accumulation: LoadedProgram | null;
  readonly averaging: LoadedProgram | null;
  readonly inference: LoadedProgram;
  /** For fine-tuning: what the head sees of pictures, and its own training. */
  readonly head: {
    readonly featureCount: number;
    readonly backbone: LoadedProgram;
    readonly training: TrainingProgram;
  } | null;
}

/** Takes memory for all of them. @throws BneckError('memory') where there is not enough */
export async function loadPrograms(
  engine: Engine,
  model: ModelMemory,
  graph: Graph,
  options: SessionOptions,
): Promise<SessionPrograms> {
  const { batch, resolution, optimizer, clipNorm, decayNormAndBias, batchNormMomentum, firstRateShare } = options;
  const { planMemory = true, microBatches = 1, keepsAverage = false } = options;
  const shape = [batch, 3, resolution, resolution];
  const load = (program: Parameters<Engine['load']>[0], of = model) => engine.load(program, of);
  const common = { input: 'bytes', batchNormMomentum, planMemory } as const;
  const rateShare = firstRateShare === undefined ? undefined : rateShareByDepth(graph, firstRateShare);
  const update = { optimizer, clipNorm, decayNormAndBias, microBatches, rateShare };
  const gradient = { ...common, optimizer: { kind: 'none' }, microBatches } as const;
  const training = { program: await load(lowerTraining(graph, shape, { ...common, ...update })), update };
  const accumulation = microBatches > 1 ? await load(lowerTraining(graph, shape, gradient)) : null;
  const averaging = keepsAverage ? await load(lowerAverage(graph)) : null;
  const inference = await load(lowerInference(graph, shape, { input: 'bytes', planMemory }), model.average ?? model);
  if (!options.trainsHead) return { training, accumulation, averaging, inference, head: null };

  const { backbone, head, features, isHeadParameter } = splitHead(graph);
  const onlyHead = {
    optimizer,
    clipNorm,
    decayNormAndBias,
    rateShare: (name: string) => (isHeadParameter(name) ? 1 : 0),
  };
  const headProgram = lowerHeadTraining(head, [batch * microBatches, features], { planMemory, ...onlyHead });
  return {
    training,
    accumulation,
    averaging,
    inference,
    head: {
      featureCount: features,
      backbone: await load(lowerInference(backbone, shape, { input: 'bytes', planMemory })),
      training: { program: await load(headProgram), update: onlyHead },
    },
  };
}
