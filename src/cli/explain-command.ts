/**
 * `bneck explain MODEL IMAGE`: why a model says what it says about a picture, as a page and PNG files:
 * Grad-CAM, maps of some layers, the gates of squeeze-and-excite.
 */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Command, Option } from 'commander';
import { BneckError } from '../base/errors.ts';
import { writeFileAtomic } from '../base/write-file.node.ts';
import { decodePicture } from '../data/decode.node.ts';
import type { Picture } from '../data/picture.ts';
import { evaluationPicture } from '../data/preprocess.ts';
import type { Explanation } from '../model/explain.ts';
import type { ModelFile } from '../model/model-file.ts';
import { describeArchitecture } from '../models/describe-architecture.ts';
import type { Lineage } from '../models/lineages.ts';
import { formatPercent } from '../report/format.ts';
import { drawHeat, drawHeatOver, drawMapSheet, encodePng } from '../report/heat-map.node.ts';
import { THREAD_BOUNDS } from '../train/bounds.ts';
import { explanationPage } from './explain/explain-page.ts';
import { drawSeen, drawWhole, seenBox } from './explain/shown-picture.ts';
import { numberWithin } from './parse-option.ts';
import { lineageOption, readModel } from './read-model.ts';
import { oneLine } from './report-error.ts';

/** Pixels a side of the drawn pictures. */
const SIDE = 448;
const SHEET_COLUMNS = 8;

interface ExplainFlags {
  out: string;
  class?: string;
  layer?: string;
  maps?: string;
  lineage?: Lineage;
  threads?: number;
}

/** The page and the PNG files, by their names. */
async function drawFiles(
  names: { readonly image: string; readonly model: string },
  file: ModelFile,
  picture: Picture,
  explanation: Explanation,
): Promise<Map<string, Uint8Array>> {
  const { heat, maps } = explanation;
  const box = seenBox(picture, file.preprocessing);
  const [left, top, right, bottom] = box;
  const pictures = {
    whole: await encodePng(drawWhole(picture, SIDE)),
    overlay: await encodePng(drawHeatOver(drawSeen(picture, box, SIDE), heat)),
    heat: await encodePng(drawHeat(heat, SIDE, SIDE)),
    maps: await Promise.all(maps.map(({ strongest }) => encodePng(drawMapSheet(strongest, SHEET_COLUMNS)))),
  };
  const page = explanationPage({
    image: basename(names.image),
    model: names.model,
    network: describeArchitecture(file.architecture),
    resolution: file.preprocessing.resolution,
    frame: {
      left: left / picture.width,
      top: top / picture.height,
      width: (right - left) / picture.width,
      height: (bottom - top) / picture.height,
    },
    explanation,
    pictures,
  });
  return new Map([
    ['explain.html', new TextEncoder().encode(page)],
    ['picture.png', pictures.whole],
    ['overlay.png', pictures.overlay],
    ['heat.png', pictures.heat],
    ...maps.map(({ layer }, at) => [`maps-${layer}.png`, pictures.maps[at] as Uint8Array] as const),
  ]);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new BneckError('file', `${folder}: the folder cannot be made (${code}). Choose another with --out.`, {
      cause,
    });
  }
}

async function runExplain(modelPath: string, image: string, flags: ExplainFlags): Promise<void> {
  const { out, layer, lineage, threads } = flags;
  const { classIndexOf, explain } = await import('../model/explain.ts');
  const file = await readModel(modelPath, lineage);
  const picture = await decodePicture(image);
  const explanation = await explain(file, evaluationPicture(picture, file.preprocessing), {
    classIndex: flags.class === undefined ? undefined : classIndexOf(file.classNames, flags.class),
    layer,
    maps: flags.maps?.split(',').map((name) => name.trim()),
    threads,
  });
  const files = await drawFiles({ image, model: modelPath }, file, picture, explanation);
  await makeFolder(out);
  for (const [name, bytes] of files) await writeFileAtomic(join(out, name), bytes);

  const { predictions, target, heat } = explanation;
  for (const { label, probability } of predictions) {
    console.log(`${formatPercent(probability, 2).padStart(7)}  ${oneLine(label)}`);
  }
  const cold = heat.values.every((value) => value === 0);
  const finding = cold ? 'nothing speaks for it' : `${heat.width}x${heat.height} values`;
  console.log(`\nheat   ${explanation.layer}, for ${oneLine(target.label)}: ${finding}`);
  console.log(`saved  ${join(out, 'explain.html')}, and ${files.size - 1} PNG files beside it`);
}

export function explainCommand(): Command {
  return new Command('explain')
    .summary('show why a model says what it says')
    .description(
      'Shows why a model says what it says about a picture: which parts speak for a class (Grad-CAM), maps of some layers, and the gates of squeeze-and-excite. Writes a page, explain.html, that needs nothing else, and PNG files.',
    )
    .argument('<MODEL>', "a model file: a run's best.safetensors, or weights of torchvision or timm")
    .argument('<IMAGE>', 'a picture')
    .option('--out <folder>', 'where the files go; those of an earlier explanation are replaced', 'explain')
    .option('--class <name>', 'the class to explain, by name or index (default: the likeliest)')
    .option('--layer <name>', 'where Grad-CAM is taken, such as features.8 (default: the last, most telling layer)')
    .option('--maps <layers>', 'whose maps to show, such as features.1,features.4 (default: the last of each size)')
    .addOption(lineageOption())
    .addOption(
      new Option('--threads <count>', 'default: as many as the machine runs at once').argParser(
        numberWithin(THREAD_BOUNDS),
      ),
    )
    .option('--verbose', 'show stack traces of errors')
    .action(runExplain);
}
