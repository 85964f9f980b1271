/**
 * FER-2013, faces of 48 x 48 pixels in a CSV file: a column `emotion` (0 to 6), one `pixels` (2,304 numbers with spaces
 * between), and perhaps one `Usage`, which says the part. Strict: each row is checked in full.
 * Format: the challenge "Facial Expression Recognition" of ICML 2013.
 */
import { BneckError } from '../base/errors.ts';
import { labelsIn } from './class-names.ts';
import { csvRows } from './csv-rows.node.ts';
import type { TreeFile } from './file-tree.node.ts';
import type { DataOptions, FoundData } from './found-data.ts';
import { shortened } from './name-list.ts';
import type { PartName } from './part-names.ts';
import { type StoredPictures, storedDataset } from './stored-pictures.ts';

const SIDE = 48;
const PIXELS = SIDE * SIDE;
const EMOTIONS: readonly string[] = ['Angry', 'Disgust', 'Fear', 'Happy', 'Sad', 'Surprise', 'Neutral'];
/** A gigabyte of pixels; the file has 35,887 rows. */
const MOST_ROWS = 466_000;

type Part = PartName | 'whole';

const USAGES: ReadonlyMap<string, PartName> = new Map([
  ['training', 'train'],
  ['publictest', 'validation'],
  ['privatetest', 'test'],
]);

export interface FerColumns {
  readonly emotion: number;
  readonly pixels: number;
  readonly usage: number | null;
}

/** Which columns are which, or null for another kind of file. */
export function ferColumns(header: readonly string[]): FerColumns | null {
  const names = header.map((name) => name.trim().toLowerCase());
  const [emotion, pixels, usage] = ['emotion', 'pixels', 'usage'].map((name) => names.indexOf(name)) as [
    number,
    number,
    number,
  ];
  return emotion < 0 || pixels < 0 ? null : { emotion, pixels, usage: usage < 0 ? null : usage };
}

/** 2,304 numbers from 0 to 255, or null. */
function parsePixels(text: string): Uint8Array | null {
  const pixels = new Uint8Array(PIXELS);
  let count = 0;
  let value = -1;
  for (let at = 0; at <= text.length; at++) {
    const digit = at === text.length ? -1 : text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      value = (value < 0 ? 0 : value * 10) + digit;
      if (value > 255) return null;
    } else {
      if (at < text.length && digit !== -16) return null; // anything but a space
      if (value < 0) continue;
      if (count === PIXELS) return null;
      pixels[count++] = value;
      value = -1;
    }
  }
  return count === PIXELS ? pixels : null;
}

interface Faces {
  readonly pixels: Uint8Array[];
  readonly emotions: number[];
  readonly lines: number[];
}

async function readFaces(file: TreeFile, title: string): Promise<Partial<Record<Part, Faces>>> {
  const parts: Partial<Record<Part, Faces>> = {};
  let columns: FerColumns | null = null;
  let rows = 0;
  for await (const { fields, line } of csvRows(file, title)) {
    const fail = (problem: string): never => {
      throw new BneckError('data', `${title}, line ${line}: ${problem}; get the file again`);
    };
    if (columns === null) {
      columns = ferColumns(fields) ?? fail('the first line does not name emotion and pixels');
      continue;
    }
    const emotion = fields[columns.emotion]?.trim() ?? '';
    if (!/^[0-6]$/.test(emotion)) fail(`emotion ${JSON.stringify(shortened(emotion))} is not a number from 0 to 6`);
    const pixels = parsePixels(fields[columns.pixels] as string);
    if (pixels === null) return fail(`the pixels are not ${PIXELS} numbers from 0 to 255 with spaces between`);
    const usage = columns.usage === null ? null : (fields[columns.usage] as string).trim();
    const part = usage === null ? 'whole' : USAGES.get(usage.toLowerCase());
    if (part === undefined)
      return fail(`usage ${JSON.stringify(shortened(usage ?? ''))} is none of Training, PublicTest, PrivateTest`);
    rows += 1;
    if (rows > MOST_ROWS) fail(`more than ${MOST_ROWS} pictures`);
    parts[part] ??= { pixels: [], emotions: [], lines: [] };
    parts[part].pixels.push(pixels);
    parts[part].emotions.push(Number(emotion));
    parts[part].lines.push(line);
  }
  if (rows === 0) throw new BneckError('data', `${title}: holds no pictures; get the file again`);
  return parts;
}

function storedFaces({ pixels, emotions, lines }: Faces, title: string): StoredPictures {
  const joined = new Uint8Array(pixels.length * PIXELS);
  pixels.forEach((face, index) => {
    joined.set(face, index * PIXELS);
  });
  const numbers = Uint8Array.from(emotions);
  const name = (index: number) => `${title}, line ${lines[index]}`;
  return { width: SIDE, height: SIDE, form: 'gray', pixels: joined, numbers, name };
}

/**
 * The faces of a FER-2013 file: Training to learn from, PublicTest for validation, PrivateTest as the test part.
 * @param title what messages call the file
 * @throws BneckError 'data' with the line that is not as it should be
 */
export async function findFer2013(file: TreeFile, title: string, options: DataOptions = {}): Promise<FoundData> {
  const faces = await readFaces(file, title);
  const classes = options.classes ?? EMOTIONS;
  const labels = labelsIn(title, EMOTIONS, classes);
  const parts: Partial<Record<Part, ReturnType<typeof storedDataset>>> = {};
  for (const [part, found] of Object.entries(faces) as [Part, Faces][]) {
    parts[part] = storedDataset(storedFaces(found, title), classes, labels);
  }
  return { kind: 'fer2013', path: title, classes, parts, numbered: false, ignored: 0, notes: [] };
}
