/**
 * The public API of bneck for Node, top to bottom: describe a network, hold a model, open data,
 * train, look at sizes. Everything else is internal.
 */

// What went wrong, in one line that says what to do.
export { BneckError, type ErrorCode } from './base/errors.ts';
// Tensors outside the engine.
export type { Shape, StateDict, Tensor } from './base/tensor.ts';
// Data: labelled pictures.
export type { Augmentation, AugmentationOp } from './data/augment/augmentation.ts';
export { type DataSource, type Dataset, memoryDataset, subset } from './data/dataset.ts';
export { decodePicture } from './data/decode.node.ts';
export type { DataOptions } from './data/found-data.ts';
export { imageFolder, openData } from './data/open-data.node.ts';
export type { Picture } from './data/picture.ts';
export type { Pixels } from './data/pixels.ts';
export { defaultPreprocessing, evaluationPicture, type Preprocessing } from './data/preprocess.ts';
// Block table, parameters and multiply-adds.
export { formatSummary, type Summary, summarize } from './graph/summary.ts';
export type { Classification } from './model/classification.ts';
// A model: ask it, save it, load it.
export { type ExportOnnxOptions, exportOnnx } from './model/export-onnx.ts';
export { Model } from './model/model.ts';
export { BNECK_VERSION, type ModelFile } from './model/model-file.ts';
export type { CompileOptions, CreateOptions, LoadOptions, ModelOptions } from './model/model-options.ts';
export type { FloatTensor } from './model/predictor.ts';
// Networks: plain descriptions, no weights.
export type { Architecture } from './models/architecture.ts';
export { describeArchitecture } from './models/describe-architecture.ts';
export { mobilenetV2 } from './models/mobilenet-v2.ts';
export { mobilenetV3 } from './models/mobilenet-v3.ts';
// Speed.
export { enableWideVectors } from './runtime/wide-vectors.node.ts';
// Training.
export type { FindRateOptions, FoundRate } from './train/find-learning-rate.ts';
export type { TrainingObserver, TrainingPlan, TrainingResult } from './train/observer.ts';
export { findLearningRate, train } from './train/train.ts';
export type { TrainOptions } from './train/train-options.ts';
