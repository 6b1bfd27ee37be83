/** Ids that sort by the time at which they were made. */
import type { Clock } from './time/clock.ts'
import type { Random } from './time/random.ts'
import { checkPorts } from './values/check-ports.ts'

/** The port of new ids. */
export interface Ids {
  /**
   * Returns a new id of 26 lower-case characters: 48 bits of time and 80 random bits in Crockford's base 32, so that
   * ids sort by the time at which they were made.
   */
  next(): string
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A call of the system's random source costs more than the rest of an id, so one call draws for this many ids. */
const drawn = 64

/** Returns the first ten characters of the ids of a time, in ms since 1970. */
export function idAt(ms: number): string {
  let id = ''
  for (let time = Math.max(0, Math.floor(ms)), i = 0; i < 10; i++, time = Math.floor(time / 32))
    id = alphabet[time % 32] + id
  return id
}

/** Creates a source of ids that sort by the time at which they were made. */
export function createIds(clock: Clock, random: Random): Ids {
  checkPorts('createIds', { clock, random }, ['clock', 'random'])
  let chance: Uint8Array = new Uint8Array(0)
  let used = 0
  return {
    next() {
      let id = idAt(clock.now())
      if (used === chance.length) {
        chance = random.bytes(16 * drawn)
        used = 0
      }
      for (const end = used + 16; used < end; used++) id += alphabet[(chance[used] as number) & 31]
      return id
    },
  }
}
