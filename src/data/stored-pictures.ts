/**
 * Pictures of one size that lie in memory as their files have them: those of IDX, CIFAR and FER-2013. A picture is
 * put together when it is read, since three equal channels would take three times the memory of gray.
 */
import { assert, BneckError } from '../base/errors.ts';
import type { Dataset } from './dataset.ts';
import { Fingerprint } from './fingerprint.ts';
import type { DataOptions } from './found-data.ts';
import { grayscaleToPicture, type Picture, planesToPicture } from './picture.ts';

export interface StoredPictures {
  readonly width: number;
  readonly height: number;
  /** gray: [N, H, W]; planes: [N, 3, H, W], red, green, blue */
  readonly form: 'gray' | 'planes';
  readonly pixels: Uint8Array;
  /** [N] a class's number in the file */
  readonly numbers: Uint8Array;
  /** for messages: "train-images-idx3-ubyte#12" */
  name(index: number): string;
}

/**
 * @param labels the label of each number in the files; by default the number itself
 * @throws BneckError 'data' for a number without a label
 */
export function storedDataset(
  stored: StoredPictures,
  classes: readonly string[],
  labels: readonly number[] = classes.map((_, label) => label),
): Dataset {
  const { width, height, form, pixels, numbers, name } = stored;
  const { length } = numbers;
  const bytes = width * height * (form === 'gray' ? 1 : 3);
  assert(pixels.length === length * bytes, `${pixels.length} bytes for ${length} pictures of ${bytes}`);
  const wrong = numbers.findIndex((number) => number >= labels.length);
  if (wrong >= 0) {
    throw new BneckError(
      'data',
      `${name(wrong)}: label ${numbers[wrong]}, but there are ${labels.length} class names; give a name for every label`,
    );
  }
  const fingerprint = new Fingerprint().addText(classes.join('\n')).addBytes(pixels).addBytes(numbers);
  const toPicture = form === 'gray' ? grayscaleToPicture : planesToPicture;
  return {
    classes,
    length,
    labels: Int32Array.from(numbers, (number) => labels[number] as number),
    fingerprint: fingerprint.digest(),
    inMemory: true,
    name,
    read: async (index): Promise<Picture> => {
      assert(index >= 0 && index < length, `picture ${index} of ${length}`);
      return toPicture(width, height, pixels.subarray(index * bytes, (index + 1) * bytes));
    },
    size: async () => ({ width, height }),
  };
}

/**
 * Names for classes that are numbered and nothing else: those given, or '0', '1', ... up to the greatest label.
 * @param path for messages
 * @throws BneckError 'data' for names that say nothing about numbers (`namedOnly`)
 */
export function numberedClasses(
  path: string,
  numbers: readonly Uint8Array[],
  { classes, namedOnly = false }: DataOptions,
): readonly string[] {
  if (classes === undefined) {
    const greatest = numbers.reduce((most, part) => part.reduce((a, b) => Math.max(a, b), most), -1);
    return Array.from({ length: greatest + 1 }, (_, label) => String(label));
  }
  if (namedOnly && classes.some((name, index) => name !== String(index))) {
    const names = `while the model's have names (${classes.slice(0, 3).join(', ')}, ...)`;
    throw new BneckError(
      'data',
      `${path}: the data number their classes, ${names}, so which is which is not known; give a classes file with the names in the order of the numbers`,
    );
  }
  return classes;
}
