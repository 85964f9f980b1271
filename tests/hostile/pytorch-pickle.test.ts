/**
 * .pth files whose pickle is damaged or evil: code in Python's eyes, views outside their storage, memory
 * and depth without end. Each must be refused with a BneckError that names the file and the trouble, or,
 * where harm sits beside the weights, be read with nothing built or called.
 */
import { expect, test } from 'vitest';
import { BneckError } from '../../src/base/errors.ts';
import type { Tensor } from '../../src/base/tensor.ts';
import { readPytorch } from '../../src/formats/pytorch.ts';
import { writeZip } from '../../src/formats/zip-writer.ts';
import {
  type Crafted,
  dict,
  expectRefused,
  global,
  int,
  ints,
  little,
  REBUILD,
  raw,
  storage,
  tensor,
  text,
  tuple,
  view,
  W,
  zip,
} from './pytorch-files.ts';

const PICKLES: Crafted[] = [
  [
    'an empty pickle',
    writeZip(
      [
        { name: 'a/data.pkl', data: raw('') },
        { name: 'a/version', data: raw('3') },
      ],
      64,
    ),
    /cut off/,
  ],
  ['no value', zip(''), /ends with 0 values/],
  ['two values', zip('NN'), /ends with 2 values/],
  ['an open mark', zip('N('), /1 marks/],
  ['an unknown opcode', zip('\xff'), /0xff is no opcode/],
  ['a protocol of the future', zip('\x80\x06N'), /protocol 6/],
  ['a pop of nothing', zip('0'), /empty stack/],
  ['a pop past a mark', zip('N(aN'), /empty stack/],
  ['a tuple past a mark', zip('NN(N\x87'), /stack of fewer/],
  ['a tuple without a mark', zip('Nt'), /needs a mark/],
  ['100,000 marks', zip('('.repeat(100_000)), /nested more than 1000 deep/],
  ['a stack of 300,000', zip('N'.repeat(300_000)), /more than 200000 values stacked/],
  ['two million opcodes', zip('N0'.repeat(1_000_000)), /more than 1000000 operations/],
  ['500,000 dicts', zip(`](${'}'.repeat(500_000)}e`), /operations|stacked/],
  [
    'a large list copied again and again',
    zip(
      `](${'N)\x86'.repeat(90_000)}eq\0${'0h\0'.repeat(1)}${`0${global('collections', 'OrderedDict')}h\0\x85R`.repeat(1000)}`,
    ),
    /more than 1000000 operations/,
  ],
  ['a memo entry of 2^32 - 1', zip('Nr\xff\xff\xff\xff'), /writes memo entry 4294967295/],
  ['a negative memo entry', zip('Np-1\n'), /writes memo entry -1/],
  ['a memo entry never written', zip('h\x05'), /memo entry 5, which was never written/],
  ['a memo entry named __proto__', zip('g__proto__\n'), /should be an integer/],
  ['text of 4 GB', zip('X\xff\xff\xff\xffabc'), /text of 4294967295 bytes/],
  ['text of 2^63 bytes', zip(`\x8d${'\0'.repeat(7)}\x80abc`), /text of 9223372036854776000 bytes/],
  ['bytes past the end', zip('B\0\x01\0\0abc'), /cut off: 256 bytes/],
  ['bytes of 2^64 - 1', zip(`\x8e${'\xff'.repeat(8)}abc`), /cut off: 18446744073709552000 bytes/],
  ['text that is not UTF-8', zip('X\x01\0\0\0\xff'), /not UTF-8/],
  ['an integer of 2 GB', zip('\x8b\xff\xff\xff\x7f1'), /an integer of 2147483647 bytes/],
  ['an integer of negative length', zip('\x8b\xff\xff\xff\xff1'), /an integer of 4294967295 bytes/],
  ['an integer of a million digits', zip(`L${'9'.repeat(1e6)}L\n`), /line without an end/],
  ['an integer that is code', zip('I__import__("os")\n'), /should be an integer/],
  ['a number that is code', zip('F__import__("os")\n'), /should be a number/],
  ['a string without quotes', zip('Sabc\n'), /without quotes/],
  ['a string with an odd escape', zip("S'\\q'\n"), /unknown escape/],
  ['a line without an end', zip('cos'), /line without an end/],
  ['a frame past the end', zip(`\x95${little(1000, 8)}N`), /frame of 1000 bytes passes the end/],
  ['a frame that ends within an opcode', zip(`\x95${little(2, 8)}J\0\0\0\0`), /crosses the end of its frame/],
  ['a frame in a frame', zip(`\x95${little(12, 8)}\x95${little(1, 8)}NNN`), /frame within a frame/],
  ['a registered extension', zip('\x82\x01'), /registered extension/],
  ['a registered extension of four bytes', zip('\x84\x01\0\0\0'), /registered extension/],
  ['a buffer from outside', zip('\x97'), /buffer outside/],
  ['a global named by numbers', zip('K\x01K\x02\x93'), /by something that is not text/],
  ['a global with a long name', zip(`${text('x'.repeat(600))}${text('y')}\x93`), /name of a global is too long/],
  ['a call of a number', zip('K\x01)R'), /no class or function/],
  ['a call with a list', zip(`${global('os', 'system')}]R`), /arguments that are no tuple/],
  ['keywords that are a list', zip(`${global('os', 'system')})]\x92`), /no dict/],
  ['an object of no class', zip('(o'), /no class/],
  ['state for a class', zip(`${global('builtins', 'dict')}}b`), /sets the state of a class/],
  ['state for a tensor', zip(`${W}}b`), /sets the state of a tensor/],
  ['items for a tuple', zip(`)${text('a')}Ns`), /sets a key of a tuple/],
  ['items for a class', zip(`${global('builtins', 'dict')}${text('a')}Ns`), /sets a key of a class/],
  ['an append to a dict', zip('}Na'), /appends to a dict/],
  ['a key without a value', zip('}(Nu'), /key without a value/],
  ['a persistent id that is text', zip('Pos.system\n'), /persistent id/],
  ['a persistent id that is a list', zip(']Q'), /persistent id/],
  [
    'a persistent id of another kind',
    zip(`${tuple(text('file'), text('/etc/passwd'), text('0'), text('cpu'), int(1))}Q`),
    /persistent id/,
  ],
];

const one = (value: string) => zip(dict(text('w'), value));
const TENSORS: Crafted[] = [
  [
    'a storage that is not there',
    one(tensor(storage(2, text('7')), int(0), ints(2), ints(1))),
    /storage "7" is not in the archive/,
  ],
  [
    'a storage outside its folder',
    one(tensor(storage(2, text('../version')), int(0), ints(2), ints(1))),
    /storage "\.\.\/version" is not/,
  ],
  ['a storage longer than its entry', one(view(3, 0, [2], [1])), /should have 12 bytes and has 8/],
  ['a storage shorter than its entry', one(view(1, 0, [1], [1])), /should have 4 bytes and has 8/],
  ['a storage of negative size', one(view(-2, 0, [2], [1])), /size is no integer from 0/],
  ['a storage of 2^53 elements', one(view(2 ** 53, 0, [2], [1])), /size is no integer from 0/],
  [
    'a storage of an unknown class',
    one(tensor(storage(2, text('0'), global('torch', 'EvilStorage')), int(0), ints(2), ints(1))),
    /"torch\.EvilStorage", which is not known/,
  ],
  [
    'a storage of another library',
    one(tensor(storage(2, text('0'), global('evil', 'FloatStorage')), int(0), ints(2), ints(1))),
    /"evil\.FloatStorage"/,
  ],
  [
    'a storage class that is text',
    one(tensor(storage(2, text('0'), text('FloatStorage')), int(0), ints(2), ints(1))),
    /class is text/,
  ],
  ['a storage whose key is a number', one(tensor(storage(2, int(0)), int(0), ints(2), ints(1))), /key is a number/],
  ['a view one element too long', one(view(2, 0, [3], [1])), /element is number 2 of a storage of 2/],
  ['a view that begins too late', one(view(2, 2, [1], [1])), /element is number 2/],
  ['a negative offset', one(view(2, -1, [2], [1])), /offset is no integer/],
  ['a negative stride', one(view(2, 1, [2], [-1])), /strides are not all integers/],
  ['a negative size', one(view(2, 0, [-2], [1])), /sizes are not all integers/],
  ['a stride of 2^52', one(view(2, 0, [2], [2 ** 52])), /element is number 4503599627370496/],
  ['strides whose sum passes 2^53', one(view(2, 0, [3, 3], [2 ** 52, 2 ** 52])), /beyond all storages/],
  ['sizes whose product passes 2^53', one(view(2, 0, [2 ** 30, 2 ** 30], [0, 0])), /beyond all storages/],
  ['sizes that overflow before a zero', one(view(2, 0, [2 ** 40, 2 ** 40, 0], [0, 0, 0])), /beyond all storages/],
  [
    'a size of one and a half',
    one(tensor(storage(2), int(0), tuple(`G?\xf8${'\0'.repeat(6)}`), ints(1))),
    /not all integers/,
  ],
  ['a size that is text', one(tensor(storage(2), int(0), tuple(text('2')), ints(1))), /not all integers/],
  ['sizes that are a dict', one(tensor(storage(2), int(0), '}', ints(1))), /sizes are a dict/],
  ['more sizes than strides', one(view(2, 0, [1, 2], [1])), /2 sizes but 1 strides/],
  ['65 dimensions', one(view(2, 0, Array(65).fill(1), Array(65).fill(1))), /65 sizes, more than 64/],
  ['a billion elements from one', one(view(2, 0, [1e9], [0])), /far larger than the file/],
  ['a tensor in a dict', one(tensor('}', int(0), ints(2), ints(1))), /a tensor in a dict/],
  ['a tensor without arguments', one(`${REBUILD})R`), /a tensor in nothing/],
  [
    'complex numbers',
    zip(
      dict(text('w'), tensor(storage(1, text('0'), global('torch', 'ComplexFloatStorage')), int(0), ints(1), ints(1))),
    ),
    /dtype is complex64/,
  ],
  [
    'truth values of 63',
    one(tensor(storage(8, text('0'), global('torch', 'BoolStorage')), int(0), ints(8), ints(1))),
    /a truth value is 0 or 1/,
  ],
];

const CONTENTS: Crafted[] = [
  ['None', zip('N'), /no state_dict but None/],
  ['a list', zip(']'), /no state_dict but a list/],
  ['an empty dict', zip('}'), /no state_dict but a dict without tensors/],
  ['a list that holds itself', zip(']q\0h\0a'), /no state_dict but a list/],
  ['a dict that holds itself', zip(`}q\0${text('model')}h\0s`), /a dict without tensors/],
  ['a tuple nested 100,000 deep', zip(`)${'\x85'.repeat(100_000)}`), /no state_dict but a tuple/],
  ['two state_dicts', zip(dict(text('G'), dict(text('w'), W), text('D'), dict(text('w'), W))), /several.*"G", "D"/],
  ['a key that is a number', zip(dict(text('w'), W, int(1), W)), /key that is not text/],
  [
    'a weight that is code',
    zip(dict(text('w'), W, text('v'), `${global('os', 'system')}${tuple(text('id'))}R`)),
    /"v" of its state_dict is an object of "os\.system"/,
  ],
  [
    'a sparse tensor',
    zip(dict(text('w'), W, text('v'), `${global('torch._utils', '_rebuild_sparse_tensor')})R`)),
    /"v" .* special tensor/,
  ],
  ['a name that steers the terminal', zip(dict(text('\x1b[2J'), view(2, 0, [1e9], [0]))), /"\\u001b\[2J"/],
];

test.each([...PICKLES, ...TENSORS, ...CONTENTS])('%s', (_, bytes, message) => {
  expectRefused(bytes, message);
});

const system = global('os', 'system');
const command = tuple(text('touch owned'));
const INERT: readonly (readonly [title: string, pickle: string, source: string])[] = [
  ['os.system', `${system}${command}R`, 'os.system'],
  ['builtins.eval', `${global('builtins', 'eval')}${tuple(text('1'))}R`, 'builtins.eval'],
  ['a function of JavaScript', `${global('globalThis', 'eval')}${tuple(text('1'))}R`, 'globalThis.eval'],
  ['a constructor', `${global('Object', 'constructor')}${tuple(text('1'))}R`, 'Object.constructor'],
  ['a dotted name from the stack', `${text('os')}${text('path.join')}\x93${command}R`, 'os.path.join'],
  ['INST', `(${text('id')}ios\nsystem\n`, 'os.system'],
  ['OBJ', `(${system}${text('id')}o`, 'os.system'],
  ['NEWOBJ_EX', `${system}${command}}\x92`, 'os.system'],
  [
    'a call of what a call gave',
    `${global('builtins', 'getattr')}${tuple(text('os'), text('system'))}R${command}R`,
    'builtins.getattr',
  ],
  ['__setstate__', `${global('evil', 'Thing')})\x81${dict(text('__setstate__'), system)}b`, 'evil.Thing'],
  [
    'a __dict__ of functions',
    `${global('evil', 'Thing')})\x81${dict(text('__dict__'), `${system}${command}R`)}b`,
    'evil.Thing',
  ],
  ['__reduce__ on a dict', `}${dict(text('__reduce__'), system)}b${text('x')}${system}${command}Rs`, 'os.system'],
  [
    'items for an object',
    `${global('evil', 'Dict')})\x81${text('k')}${text('v')}s(${text('a')}${text('b')}u`,
    'evil.Dict',
  ],
  [
    'a tensor of another class',
    `${global('torch._tensor', '_rebuild_from_type_v2')}${tuple(system, global('evil', 'Tensor'), command, '}')}R`,
    'torch._tensor._rebuild_from_type_v2',
  ],
];

test.each(INERT)('beside the weights nothing is called: %s', (_, pickle, source) => {
  const file = readPytorch(zip(dict(text('args'), pickle, text('model'), dict(text('w'), W))), 'checkpoint.pth');
  expect(file.key).toBe('model');
  expect([...(file.tensors.get('w') as Tensor).data]).toEqual([1, 2]);
  expect(file.opaqueSources).toContain(source);
  expect(() => readPytorch(zip(pickle), 'alone.pth')).toThrow(BneckError);
});

test('names of the prototype are names like others, and the last of equal keys wins', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const { tensors } = readPytorch(zip(dict(...names.flatMap((name) => [text(name), W]))), 'names');
  expect([...tensors.keys()]).toEqual(names);
  const { tensors: twice } = readPytorch(
    zip(dict(text('w'), W, text('v'), W, text('w'), view(2, 1, [1], [1]))),
    'twice',
  );
  expect([...twice.keys()]).toEqual(['w', 'v']);
  expect([...(twice.get('w') as Tensor).data]).toEqual([2]);
  expect(({} as Record<string, unknown>).w).toBeUndefined();
});

test('prefixes come off only where all names have them, and never make two names one', () => {
  const names = (...list: string[]) => [
    ...readPytorch(zip(dict(...list.flatMap((name) => [text(name), W]))), 'x').tensors.keys(),
  ];
  expect(names('module.a', 'module.b')).toEqual(['a', 'b']);
  expect(names('_orig_mod.module.a', '_orig_mod.module.b')).toEqual(['a', 'b']);
  expect(names('module.a', 'a')).toEqual(['module.a', 'a']);
  expect(names('module.', 'module.a')).toEqual(['', 'a']);
  expect(names('module.n_averaged', 'n_averaged')).toEqual(['n_averaged']);
  expect(names('n_averaged')).toEqual(['n_averaged']);
});
