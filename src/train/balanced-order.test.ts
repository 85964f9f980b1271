import { expect, test } from 'vitest';
import { balancedOrder } from './balanced-order.ts';

/** 20 pictures of class 0, 4 of class 2, 1 of class 3; none of class 1. */
const LABELS = Int32Array.from({ length: 25 }, (_, index) => (index < 20 ? 0 : index < 24 ? 2 : 3));

function counts(epoch: number): number[] {
  const found = [0, 0, 0, 0];
  for (const drawn of balancedOrder(LABELS, 4, 1, epoch)) {
    const label = LABELS[drawn % 25] as number;
    found[label] = (found[label] as number) + 1;
  }
  return found;
}

test('every class that is there comes equally often, to within one', () => {
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 12; epoch++) {
    const [a, b, c, d] = counts(epoch);
    expect([a, b, c, d].map(Number).sort((x, y) => x - y)).toEqual([0, 8, 8, 9]);
    expect(b).toBe(0);
    seen.add(`${a} ${c} ${d}`);
  }
  expect(seen.size).toBe(3);
});

test('repetitions are told apart, and come only when all were there', () => {
  for (let epoch = 0; epoch < 5; epoch++) {
    const order = [...balancedOrder(LABELS, 4, 1, epoch)];
    expect(new Set(order).size).toBe(25);
    const repetitions = (label: number) =>
      order.filter((drawn) => LABELS[drawn % 25] === label).map((drawn) => Math.floor(drawn / 25));
    expect(Math.max(...repetitions(0))).toBe(0);
    expect(repetitions(2).filter((repetition) => repetition === 0)).toHaveLength(4);
    const single = repetitions(3).sort((x, y) => x - y);
    expect(single).toEqual(single.map((_, index) => index));
  }
});

test('a function of seed and epoch; common pictures take turns', () => {
  expect(balancedOrder(LABELS, 4, 1, 2)).toEqual(balancedOrder(LABELS, 4, 1, 2));
  expect(balancedOrder(LABELS, 4, 1, 2)).not.toEqual(balancedOrder(LABELS, 4, 1, 3));
  expect(balancedOrder(LABELS, 4, 1, 2)).not.toEqual(balancedOrder(LABELS, 4, 2, 2));
  const seen = new Set(Array.from({ length: 40 }, (_, epoch) => [...balancedOrder(LABELS, 4, 1, epoch)]).flat());
  for (let index = 0; index < 25; index++) expect(seen).toContain(index);
});
