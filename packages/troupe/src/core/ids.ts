/** Ids that sort by the time they were made: 48 bits of time, 80 of chance, in Crockford's base 32. */
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface Ids {
  /** 26 characters, lower case. */
  next(): string
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export function createIds(clock: Clock, random: Random): Ids {
  return {
    next() {
      let id = ''
      for (let time = Math.max(0, Math.floor(clock.now())), i = 0; i < 10; i++, time = Math.floor(time / 32))
        id = alphabet[time % 32] + id
      for (const byte of random.bytes(16)) id += alphabet[byte & 31]
      return id
    },
  }
}
