/** Valid arguments with one or two of their values replaced by bad ones, at the top or within. */
import type { Random } from '../../../../src/core/index.ts'
import { badValues } from './bad-values.ts'

export type Pick = <T>(list: readonly T[]) => T
export const pickWith =
  (random: Random): Pick =>
  (list) =>
    list[Math.floor(random.next() * list.length)] as (typeof list)[number]

/** Options that most functions have, and names that every object has. */
const extraNames = ['signal', 'limit', 'cursor', 'ttl', 'timeout', 'extra', '__proto__', 'toString', 'id', 'name']

export type Container = Record<string, unknown>
export function isContainer(value: unknown): value is Container {
  try {
    return Array.isArray(value) || (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
  } catch {
    // null, or a proxy that was put there before.
    return false
  }
}

export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isContainer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyOf(field)]))
}

export interface Changed {
  readonly arguments: readonly unknown[]
  /** What was changed, for a report: `arg0.ttl = a Map`. */
  readonly change: string
}

export function changeArguments(valid: readonly unknown[], random: Random): Changed {
  const pick = pickWith(random)
  const changed = valid.map(copyOf)
  const changes: string[] = []
  for (let n = random.next() < 0.75 ? 1 : 2; n > 0; n--) {
    const index = Math.floor(random.next() * Math.max(1, changed.length + (random.next() < 0.1 ? 1 : 0)))
    const argument = changed[index]
    const [label, make] = pick(badValues)
    if (isContainer(argument) && random.next() < 0.7)
      changes.push(`arg${index}${changeWithin(argument, make(), random)} = ${label}`)
    else if (random.next() < 0.05) {
      changed.pop()
      changes.push('one argument less')
    } else {
      changed[index] = make()
      changes.push(`arg${index} = ${label}`)
    }
  }
  return { arguments: changed, change: changes.join(', ') }
}

/** @returns the path of what was replaced */
function changeWithin(argument: Container, value: unknown, random: Random): string {
  const pick = pickWith(random)
  let container = argument
  let path = ''
  for (;;) {
    const names = Object.keys(container)
    const name = names.length > 0 && random.next() < 0.92 ? pick(names) : pick(extraNames)
    path += `.${name}`
    const field: unknown = Object.getOwnPropertyDescriptor(container, name)?.value
    if (isContainer(field) && random.next() < 0.6) {
      container = field
      continue
    }
    Object.defineProperty(container, name, { value, enumerable: true, configurable: true, writable: true })
    return path
  }
}
