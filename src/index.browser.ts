/**
 * The public API of bneck for browsers: describe a network, hold a model, look at sizes. What is here
 * has the names and meanings of `index.ts`; training, data sets and files belong to Node.
 */

// What went wrong, in one line that says what to do.
export { BneckError, type ErrorCode } from './base/errors.ts';
// Pixels and what is done to them before the network sees them.
export type { Pixels } from './data/pixels.ts';
export { defaultPreprocessing, type Preprocessing } from './data/preprocess.ts';
// Block table, parameters and multiply-adds.
export { formatSummary, type Summary, summarize } from './graph/summary.ts';
// A model: load it, ask it.
export type { Classification } from './model/classification.ts';
export { Model } from './model/model.browser.ts';
export type { CompileOptions, CreateOptions, LoadOptions, ModelOptions } from './model/model-options.ts';
export type { FloatTensor } from './model/predictor.ts';
// Networks: plain descriptions, no weights.
export type { Architecture } from './models/architecture.ts';
export { describeArchitecture } from './models/describe-architecture.ts';
export { mobilenetV2 } from './models/mobilenet-v2.ts';
export { mobilenetV3 } from './models/mobilenet-v3.ts';
