/** The ports that nearly every part of a troupe needs. */
import type { Events } from './events/events.ts'
import type { Ids } from './ids.ts'
import type { Clock } from './time/clock.ts'
import type { Random } from './time/random.ts'

/** Time, randomness, ids and events. A test or the simulator replaces all of them together. */
export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly ids: Ids
  readonly events: Events
}
