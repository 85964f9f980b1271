/**
 * A model out of bare weights. A state dict from torchvision or timm holds tensors and nothing else: which
 * network they belong to is recognised, and class names and preprocessing, which it lacks, are those that
 * such weights go with. Stands between the formats, which give tensors, and `Model`, which takes a ModelFile.
 */
import type { StateDict } from '../base/tensor.ts';
import { convertStateDict } from '../models/convert-state-dict.ts';
import { type Lineage, recognize } from '../models/lineages.ts';
import { IMAGENET_CLASSES } from './imagenet-classes.ts';
import type { ModelFile } from './model-file.ts';
import { pretrainedByFile } from './pretrained-weights.ts';

export interface StateDictModel {
  readonly file: ModelFile;
  /** What was recognised and assumed, a line each, for a log. */
  readonly notes: readonly string[];
}

/** ImageNet's where there are a thousand classes; numbers otherwise, for no other data set is told by its size. */
function classNamesFor(classes: number): readonly string[] {
  return classes === IMAGENET_CLASSES.length
    ? IMAGENET_CLASSES
    : Array.from({ length: classes }, (_, at) => String(at));
}

/**
 * The model that a state dict's tensors make.
 * @param tensors as a `.pth` or `.safetensors` file holds them
 * @param fileName of the file: for errors, and because it tells the preset of published weights and timm's `tf_`
 * @param lineage who trained the weights, where the file name does not say it
 * @throws BneckError 'unsupported' for weights of another kind of network, 'file' where tensors are missing,
 *   unexpected, or of another shape or type
 */
export function modelFromStateDict(tensors: StateDict, fileName: string, lineage?: Lineage): StateDictModel {
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const recognition = recognize(shapes, { fileName, ...(lineage !== undefined && { lineage }) });
  const { architecture } = recognition;
  const classNames = classNamesFor(architecture.classes);
  const preprocessing = pretrainedByFile(fileName)?.preprocessing ?? recognition.preprocessing;
  const notes = [
    `weights under the names of ${recognition.naming}`,
    ...recognition.assumptions,
    classNames === IMAGENET_CLASSES ? "classes are ImageNet's, since there are 1000" : 'classes have no names',
  ];
  const weights = convertStateDict(tensors, recognition);
  return { file: { architecture, classNames, preprocessing, weights, training: null }, notes };
}
