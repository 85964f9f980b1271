import { expect, test } from 'vitest';
import { type DataRecord, describeDataChange } from './data-record.ts';

const RECORD: DataRecord = {
  classNames: ['a', 'b'],
  train: { counts: [5, 6], fingerprint: 'one' },
  validation: { counts: [1, 2], fingerprint: 'two' },
};

test('says what differs', () => {
  expect(describeDataChange(RECORD, structuredClone(RECORD))).toBeNull();
  const change = (now: Partial<DataRecord>) => describeDataChange(RECORD, { ...RECORD, ...now });
  expect(change({ classNames: ['a', 'c'] })).toBe('classes gone: b; classes added: c');
  expect(change({ classNames: ['b', 'a'] })).toBe('classes in another order');
  expect(change({ train: { counts: [5, 9], fingerprint: 'x' } })).toBe('training pictures: b 9 instead of 6');
  expect(change({ validation: { counts: [1, 2], fingerprint: 'x' } })).toMatch(/^validation pictures: as many/);
});
