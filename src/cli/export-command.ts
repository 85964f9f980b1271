/** `bneck export MODEL --to FORMAT`: a model as a file for other programs. */
import { basename, dirname, extname, join } from 'node:path';
import { Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { writePytorch } from '../formats/pytorch.ts';
import { exportOnnx } from '../model/export-onnx.ts';
import { encodeModelFile, type ModelFile } from '../model/model-file.ts';
import { readModelFile } from '../model/read-model-file.node.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { parseArchitecture } from '../models/parse-architecture.ts';
import { formatBytes } from '../report/format.ts';
import { CHOICE_BOUNDS } from '../train/bounds.ts';
import { alternatives, numberWithin, oneOf } from './parse-option.ts';
import { lineageOption } from './read-model.ts';

const FORMATS = ['safetensors', 'pth', 'onnx'] as const;
type Format = (typeof FORMATS)[number];

interface ExportFlags {
  to: Format;
  out?: string;
  lineage?: Lineage;
  keepBatchNorm?: boolean;
  withPreprocessing?: boolean;
  softmax?: boolean;
  resolution?: number;
}

/** Options that mean something for ONNX alone. */
const ONNX_FLAGS = { keepBatchNorm: '--keep-batch-norm', withPreprocessing: '--with-preprocessing' } as const;
const ONNX_VALUES = { softmax: '--softmax', resolution: '--resolution' } as const;

function refuseOnnxFlags(flags: ExportFlags): void {
  if (flags.to === 'onnx') return;
  for (const [name, flag] of Object.entries({ ...ONNX_FLAGS, ...ONNX_VALUES })) {
    if (flags[name as keyof ExportFlags] === undefined) continue;
    throw new BneckError('option', `${flag} is for --to onnx; a ${flags.to} file holds weights alone. Leave it out.`);
  }
}

function encode(file: ModelFile, { to, ...options }: ExportFlags): Uint8Array {
  if (to === 'safetensors') return encodeModelFile(file);
  return to === 'pth' ? writePytorch(file.weights) : exportOnnx(file, options);
}

/** Options that no tensor's name or shape shows, so that a .pth file loses them. */
const TRACELESS = ['padding', 'batchNormEpsilon', 'dilated', 'reduction', 'reluActivation'] as const;

function describeLoss({ architecture }: ModelFile): string | null {
  const defaults = parseArchitecture({ family: architecture.family });
  const lost = TRACELESS.filter((name) => architecture[name] !== defaults[name]);
  if (lost.length === 0) return null;
  const options = lost.map((name) => `${name} ${architecture[name]}`).join(', ');
  return `a .pth file holds tensors alone, and none shows ${options}; .safetensors keeps it`;
}

async function runExport(model: string, flags: ExportFlags): Promise<void> {
  refuseOnnxFlags(flags);
  const { file, notes } = await readModelFile(model, { lineage: flags.lineage });
  const out = flags.out ?? join(dirname(model), `${basename(model, extname(model))}.${flags.to}`);
  if (out === model) throw new BneckError('option', `${out} is the model itself. Give another file with --out.`);
  const bytes = encode(file, flags);
  await writeFileAtomic(out, bytes);
  console.log(`model  ${describeArchitecture(file.architecture)}`);
  for (const note of notes) console.log(`       - ${note}`);
  const loss = flags.to === 'pth' ? describeLoss(file) : null;
  if (loss !== null) console.log(`       - ${loss}`);
  console.log(`saved  ${out} (${formatBytes(bytes.length)})`);
}

export function exportCommand(): Command {
  return new Command('export')
    .summary('save a model for other programs')
    .description(
      'Saves a model as .safetensors or .pth (torchvision names, for Python) or .onnx (opset 18, batch norm folded, class names and preprocessing in its metadata).',
    )
    .argument('<MODEL>', "a model file: bneck's, or weights of torchvision or timm")
    .addOption(new Option('--to <format>', alternatives(FORMATS)).argParser(oneOf(FORMATS)).makeOptionMandatory())
    .option('--out <file>', 'default: beside the model, with the ending of the format')
    .addOption(lineageOption())
    .option('--keep-batch-norm', 'onnx: batch norm as a layer of its own')
    .option('--with-preprocessing', 'onnx: takes bytes [N, H, W, 3] and normalises them itself')
    .option('--softmax', 'onnx: gives probabilities in place of logits')
    .addOption(
      new Option('--resolution <pixels>', 'onnx: a fixed height and width in place of any').argParser(
        numberWithin(CHOICE_BOUNDS.resolution),
      ),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runExport);
}
