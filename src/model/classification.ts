/**
 * From logits to the classes a picture most likely shows. Pure: Node and the browser give the same
 * answers, to the bit.
 */
import { BneckError } from '../base/errors.ts';
import { exp, sumOfExponentials } from '../base/math.ts';

export interface Classification {
  readonly label: string;
  /** Of the class, in the order of the logits. */
  readonly index: number;
  /** Softmax of the logits, in double precision. */
  readonly probability: number;
}

/** Places of the `count` largest values, the largest first; of equal values the one that comes first. */
function placesOfLargest(values: Float32Array, count: number): number[] {
  const places: number[] = [];
  const wanted = Math.min(count, values.length);
  let least = Number.NEGATIVE_INFINITY; // of those found
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    if (place >= wanted && !(value > least)) continue;
    let rank = Math.min(place, wanted - 1);
    for (; rank > 0 && value > (values[places[rank - 1] as number] as number); rank--) {
      places[rank] = places[rank - 1] as number;
    }
    places[rank] = place;
    least = values[places.at(-1) as number] as number;
  }
  return places;
}

/**
 * The classes with the highest probabilities, best first.
 * @param logits of one picture, [K]
 * @param classNames one a logit
 * @param count how many, at least 1; all where there are fewer
 * @throws BneckError 'option' for a count that cannot be
 */
export function likeliestClasses(logits: Float32Array, classNames: readonly string[], count: number): Classification[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new BneckError('option', `top ${count}: give a whole number of classes, at least 1.`);
  }
  const places = placesOfLargest(logits, count);
  const highest = logits[places[0] as number] as number;
  const sum = sumOfExponentials(logits, highest);
  return places.map((index) => ({
    label: classNames[index] as string,
    index,
    probability: exp((logits[index] as number) - highest) / sum,
  }));
}
