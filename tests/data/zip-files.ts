/** Archives written by hand, sound or not: every field of an entry can be given a value of its own. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipPart {
  readonly name: string;
  readonly data?: Uint8Array | string;
  /** 8 by default: deflated */
  readonly method?: number;
  readonly flags?: number;
  /** Unix mode, type included */
  readonly mode?: number;
  readonly crc?: number;
  /** what is in the file for `data`, if not that, packed */
  readonly packed?: Uint8Array;
  readonly claimedBytes?: number;
  readonly claimedPackedBytes?: number;
  /** where the header is said to be, if not where it is */
  readonly offset?: number;
}

interface Written {
  readonly local: Buffer;
  readonly central: Buffer;
}

function write(part: ZipPart, offset: number): Written {
  const { method = 8, flags = 0x800, mode = 0o100644 } = part;
  const data = Buffer.from(part.data ?? '');
  const packed = Buffer.from(part.packed ?? (method === 8 ? deflateRawSync(data) : data));
  const name = Buffer.from(part.name);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(flags, 2);
  fields.writeUInt16LE(method, 4);
  fields.writeUInt16LE(0x21, 8);
  fields.writeUInt32LE(part.crc ?? crc32(data), 10);
  fields.writeUInt32LE(part.claimedPackedBytes ?? packed.length, 14);
  fields.writeUInt32LE(part.claimedBytes ?? data.length, 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name, packed]);
  const end = Buffer.alloc(14);
  end.writeUInt32LE((mode << 16) >>> 0, 6);
  end.writeUInt32LE(part.offset ?? offset, 10);
  return { local, central: Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), fields, end, name]) };
}

export interface ZipEnd {
  readonly entryCount?: number;
  readonly comment?: string;
}

/** The bytes of an archive. Names that end in '/' are folders. */
export function makeZip(parts: readonly ZipPart[], { entryCount = parts.length, comment = '' }: ZipEnd = {}): Buffer {
  let offset = 0;
  const written = parts.map((part) => {
    const entry = write(part.name.endsWith('/') ? { mode: 0o040755, method: 0, ...part } : part, offset);
    offset += entry.local.length;
    return entry;
  });
  const directory = Buffer.concat(written.map(({ central }) => central));
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entryCount, 8);
  end.writeUInt16LE(entryCount, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...written.map(({ local }) => local), directory, end, Buffer.from(comment)]);
}
