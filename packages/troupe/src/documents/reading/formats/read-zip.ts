/**
 * Reads a zip archive from memory. The limit applies to the unpacked bytes, not to the sizes in the archive, which may be
 * forged.
 */
import { inflateRawSync } from 'node:zlib'

/** The maximal number of unpacked bytes of an archive. */
export const maxUnpackedBytes = 16 * 1024 * 1024

const endMark = 0x06054b50
const entryMark = 0x02014b50
const endSize = 22
const entrySize = 46
const localSize = 30
const longestComment = 0xffff

/** @throws for a file that is damaged, encrypted or no zip archive, or unpacks to more than `maxUnpackedBytes` */
export function readZip(bytes: Uint8Array): ReadonlyMap<string, Buffer> {
  const archive = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = endOf(archive)
  const files = new Map<string, Buffer>()
  let at = archive.readUInt32LE(end + 16)
  let left = maxUnpackedBytes
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    if (archive.readUInt32LE(at) !== entryMark) throw new Error('the archive is damaged')
    if (archive.readUInt16LE(at + 8) & 1) throw new Error('it is encrypted')
    const nameLength = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + entrySize, at + entrySize + nameLength)
    const content = unpack(archive, at, left)
    left -= content.length
    files.set(name, content)
    at += entrySize + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}

function endOf(archive: Buffer): number {
  for (let at = archive.length - endSize; at >= Math.max(0, archive.length - endSize - longestComment); at--)
    if (archive.readUInt32LE(at) === endMark) return at
  throw new Error('it is not a zip archive, or a damaged one')
}

/** @param entry the offset of the entry in the directory */
function unpack(archive: Buffer, entry: number, left: number): Buffer {
  const local = archive.readUInt32LE(entry + 42)
  const from = local + localSize + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
  const packed = archive.subarray(from, from + archive.readUInt32LE(entry + 20))
  const method = archive.readUInt16LE(entry + 10)
  if (method !== 0 && method !== 8) throw new Error('the archive is packed in an unknown way')
  if (method === 0 ? packed.length > left : left === 0) throw tooMuch()
  if (method === 0) return packed
  try {
    return inflateRawSync(packed, { maxOutputLength: left })
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooMuch() : error
  }
}

const tooMuch = () => new Error(`it unpacks to more than ${maxUnpackedBytes / 1024 / 1024} MB`)
