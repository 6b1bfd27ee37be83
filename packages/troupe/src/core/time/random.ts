/** The port of randomness. A seeded generator repeats its values for the same seed. */

import { randomBytes } from 'node:crypto'
import { invalidInput } from '../errors/failure.ts'
import { show } from '../values/show.ts'

/** The port of randomness. A seeded generator repeats its values for the same seed. */
export interface Random {
  /** Returns a uniform number in [0, 1). */
  next(): number
  /** Returns random bytes, at most 1,048,576. @throws ValidationError for another count */
  bytes(count: number): Uint8Array
}

/** The maximal number of bytes of a call; no key and no id is longer. */
const maxBytes = 1_048_576

function checkByteCount(count: unknown): void {
  if (!Number.isSafeInteger(count) || (count as number) < 0 || (count as number) > maxBytes)
    throw invalidInput('random.bytes', `it must be a whole number from 0 to ${maxBytes}`)
}

/** The system's random source, suitable for ids and keys. */
export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes(count) {
    checkByteCount(count)
    return randomBytes(count)
  },
}

/**
 * A generator that repeats itself for the same seed: sfc32 (Chris Doty-Humphrey, PractRand). Not for keys.
 * @param seed any text or number
 */
export function seededRandom(seed: string | number): Random {
  let [a, b, c, d] = spread(show(seed))
  const word = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) word()
  return {
    next: () => (word() * 2 ** 21 + (word() >>> 11)) / 2 ** 53,
    bytes(count) {
      checkByteCount(count)
      return Uint8Array.from({ length: count }, () => word() & 255)
    },
  }
}

/** Returns four 32-bit words of a text by FNV-1a with four different offsets. */
function spread(text: string): [number, number, number, number] {
  const words = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b].map((start) => {
    let hash = start
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    return hash | 0
  })
  return words as [number, number, number, number]
}
