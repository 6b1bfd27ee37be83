/**
 * Patterns of keys: `*` is any run of characters, dots included, `?` is one (a code point). Matched greedily with one
 * place to go back to, in O(pattern + key) for usual patterns and O(pattern · key) at worst; never exponential.
 */
import { failure } from '../core/index.ts'

export interface Pattern {
  /** What every match begins with: what a listing needs to look at. */
  readonly head: string
  /** The head alone decides: nothing or one `*` follows it. */
  readonly plain: 'exact' | 'prefix' | undefined
  readonly matches: (key: string) => boolean
}

/** @throws ValidationError for what is no text of at most 1,024 characters */
export function compilePattern(pattern: unknown): Pattern {
  if (typeof pattern !== 'string' || pattern.length > 1_024 || pattern.includes('\0') || !pattern.isWellFormed())
    throw failure('validation.failed', {
      what: 'The pattern',
      problem: 'it is a text of at most 1,024 characters, without NUL',
    })
  const head = /^[^*?]*/.exec(pattern)?.[0] ?? ''
  const rest = pattern.slice(head.length)
  if (rest === '') return { head, plain: 'exact', matches: (key) => key === pattern }
  if (/^\*+$/.test(rest)) return { head, plain: 'prefix', matches: (key) => key.startsWith(head) }
  const marks = [...rest]
  return { head, plain: undefined, matches: (key) => key.startsWith(head) && glob(marks, [...key.slice(head.length)]) }
}

function glob(marks: readonly string[], text: readonly string[]): boolean {
  let [at, mark] = [0, 0]
  let star = -1
  let resume = 0
  while (at < text.length) {
    if (marks[mark] === '*') {
      star = mark++
      resume = at
    } else if (mark < marks.length && (marks[mark] === '?' || marks[mark] === text[at])) {
      at++
      mark++
    } else if (star >= 0) {
      // The last star takes one more; an earlier one never needs to.
      mark = star + 1
      at = ++resume
    } else return false
  }
  while (marks[mark] === '*') mark++
  return mark === marks.length
}

/** The first text after all that begin with the prefix, in UTF-8 order; undefined where there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix]
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const code = last.codePointAt(0) as number
    if (code === 0x10ffff) continue
    return points.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

/** The least key above this one: keys hold no NUL. */
export const afterKey = (key: string) => `${key}\u0001`
