/** Identifiers and keys: what may be stored as one, so that no two look alike to one engine and differ to another. */
import { failure, invalidInput } from '../errors/failure.ts'
import { isList, show } from './show.ts'
import { truncateText } from './truncate-text.ts'

const byteLength = (text: string) => Buffer.byteLength(text, 'utf8')

function problemOf(value: unknown, limit: number): string | undefined {
  if (typeof value !== 'string')
    return `it is ${value === null || value === undefined ? value : `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`} and not a string`
  // A character has a byte at least. Whatever is too long for sure is not searched.
  if (value.length > limit) return `it has ${value.length} characters`
  if (value.includes('\0')) return 'it holds NUL'
  if (!value.isWellFormed()) return 'it holds half of a surrogate pair'
  if (byteLength(value) > limit) return `it has ${byteLength(value)} bytes`
  return undefined
}
const rejection = (what: string, value: unknown, problem: string, limit: number) =>
  failure('name.invalid', {
    what,
    value: typeof value === 'string' ? truncateText(value, 80) : show(value),
    problem,
    limit,
  })

const unseen = /^[\s\p{Default_Ignorable_Code_Point}]*$/u

/**
 * A user, agent or topic: normal form C, 1 to 256 bytes of UTF-8, of which something can be seen.
 * @throws ValidationError `name.invalid`
 */
export function checkName(
  what:
    | 'user'
    | 'agent'
    | 'topic'
    | 'tool'
    | 'message type'
    | 'metric'
    | 'run'
    | 'command'
    | 'schedule'
    | 'team'
    | 'evaluation'
    | 'alert'
    | 'health check'
    | 'thread'
    | 'lifecycle',
  value: unknown,
): string {
  const limit = 256
  const problem = problemOf(value, limit)
  if (problem !== undefined) throw rejection(`The ${what}`, value, problem, limit)
  const name = value as string
  if (name === '') throw rejection(`The ${what}`, value, 'it is empty', limit)
  if (unseen.test(name)) throw rejection(`The ${what}`, value, 'it has nothing that can be seen', limit)
  if (name.normalize('NFC') !== name) throw rejection(`The ${what}`, value, 'it is not in normal form C', limit)
  return name
}

/**
 * A key of the context mesh: 0 to 1,024 bytes of UTF-8, kept verbatim.
 * @throws ValidationError `name.invalid`
 */
export function checkEntryKey(value: unknown): string {
  const limit = 1_024
  const problem = problemOf(value, limit)
  if (problem !== undefined) throw rejection('The key', value, problem, limit)
  return value as string
}

/**
 * Tags: texts of 256 bytes at most that every storage holds.
 * @throws ValidationError `validation.failed`, `name.invalid`
 */
export function checkTags(what: string, tags: unknown, max = 100): readonly string[] {
  if (!isList(tags) || tags.length > max) throw invalidInput(what, `they are not a list of ${max} texts at most`)
  const limit = 256
  for (const tag of tags as readonly unknown[]) {
    const problem = problemOf(tag, limit)
    if (problem !== undefined) throw rejection(`${what}: the tag`, tag, problem, limit)
  }
  return [...(tags as readonly string[])]
}

/** The first text behind all that begin with this one, which is not empty. */
export const prefixEnd = (prefix: string): string =>
  prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)

/** The order of keys everywhere: by UTF-8 bytes, which is not JavaScript's order of code units. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    // Surrogates stand for code points above every other unit, yet their units lie below U+E000 to U+FFFF.
    if (x !== y) return (x >= 0xd800 && x < 0xe000 ? x + 0x10000 : x) - (y >= 0xd800 && y < 0xe000 ? y + 0x10000 : y)
  }
  return a.length - b.length
}
