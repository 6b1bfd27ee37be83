/** Finds a text in bytes, in whatever encoding it stands there. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** Every form under which a text can stand in a file or an answer. */
export function encodingsOf(text: string): ReadonlyMap<string, Buffer> {
  const forms = new Map<string, Buffer>()
  const add = (name: string, value: string | Buffer) => forms.set(name, Buffer.from(value as string))
  const bytes = Buffer.from(text)
  add('plain', text)
  add('reversed', [...text].reverse().join(''))
  add('UTF-16LE', Buffer.from(text, 'utf16le'))
  add('UTF-16BE', Buffer.from(text, 'utf16le').swap16())
  add('hex', bytes.toString('hex'))
  add('HEX', bytes.toString('hex').toUpperCase())
  add('percent', encodeURIComponent(text))
  add('percent of each byte', bytes.toString('hex').replace(/../g, '%$&'))
  add('JSON', JSON.stringify(text).slice(1, -1))
  add('JSON twice', JSON.stringify(JSON.stringify(text)).slice(3, -3))
  add('JSON of each letter', [...text].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))
  // In the middle of other bytes base64 looks otherwise: three positions, without the letters that neighbours share.
  for (const offset of [0, 1, 2])
    for (const encoding of ['base64', 'base64url'] as const) {
      const complete = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString(encoding)
        .replace(/=+$/, '')
      const end = Math.floor(((offset + bytes.length) * 4) / 3)
      add(`${encoding} at ${offset}`, complete.slice(offset === 0 ? 0 : offset + 1, end))
    }
  return forms
}

export interface Found {
  readonly canary: string
  readonly encoding: string
}

export function createFinder(canaries: readonly string[]) {
  const forms = canaries.flatMap((canary) =>
    [...encodingsOf(canary)].map(([encoding, value]) => ({ canary, encoding, value })),
  )
  const search = (bytes: Buffer): Found[] =>
    forms.filter(({ value }) => bytes.includes(value)).map(({ canary, encoding }) => ({ canary, encoding }))
  return (bytes: Buffer): Found[] => [bytes, ...unpacked(bytes)].flatMap(search)
}

const magics = [
  { bytes: Buffer.from([0x1f, 0x8b, 0x08]), unpack: gunzipSync },
  { bytes: Buffer.from([0x78, 0x9c]), unpack: inflateSync },
  { bytes: Buffer.from([0x78, 0xda]), unpack: inflateSync },
]

/** Compressed streams that begin anywhere in it, and the whole as a stream without a header. */
function unpacked(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  const attempt = (unpack: (bytes: Buffer) => Buffer, from: number) => {
    try {
      found.push(unpack(bytes.subarray(from)))
    } catch {
      // It only looked like one.
    }
  }
  for (const { bytes: magic, unpack } of magics)
    for (let at = bytes.indexOf(magic); at >= 0 && found.length < 100; at = bytes.indexOf(magic, at + 1))
      attempt(unpack, at)
  for (const unpack of [inflateRawSync, brotliDecompressSync]) attempt(unpack, 0)
  return found
}
