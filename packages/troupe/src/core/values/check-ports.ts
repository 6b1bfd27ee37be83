/** Checks the adapters that a caller passes, each by one member that it cannot do without. */
import { invalidInput } from '../errors/failure.ts'
import { describe, fieldOf } from './check-options.ts'
import { isObject } from './is-object.ts'

/** A member of each port, and its type. */
const members = {
  storage: ['dialect', 'object'],
  clock: ['now', 'function'],
  random: ['next', 'function'],
  journals: ['create', 'function'],
  inbox: ['read', 'function'],
  timers: ['start', 'function'],
} as const

/** @throws ValidationError for options that are no object, and for a port that is missing or is something else */
export function checkPorts(where: string, options: unknown, ports: readonly (keyof typeof members)[]): void {
  if (!isObject(options)) throw invalidInput(where, `it must be an object with ${ports.join(', ')}`)
  for (const port of ports) {
    const value = fieldOf(options, port)
    const [member, type] = members[port]
    if (typeof fieldOf(value, member) !== type)
      throw invalidInput(`${where}.${port}`, `it is ${describe(value)}, which has no ${member}`)
  }
}
