/** Patterns of keys: `*` is any run of characters, dots included, `?` is one (a code point). */
import { invalidInput } from '../../core/index.ts'
import { KeyMatcher } from '../../security/index.ts'

export interface Pattern {
  readonly text: string
  /** The beginning of every match, which bounds a listing. */
  readonly head: string
  /** Present if nothing or one `*` follows the head. Such a pattern is compared with a key, and not evaluated. */
  readonly plain: 'exact' | 'prefix' | undefined
  /** Matches a key on the main thread. `matchKeys` is for patterns that a caller may have written. */
  readonly matches: (key: string) => boolean
}

/** @throws ValidationError unless it is a text of at most 1,024 characters */
export function checkPattern(pattern: unknown, what = 'The pattern'): string {
  if (typeof pattern !== 'string' || pattern.length > 1_024 || pattern.includes('\0') || !pattern.isWellFormed())
    throw invalidInput(what, 'it must be a text of at most 1,024 characters, without NUL')
  return pattern
}

/** @throws ValidationError as `checkPattern` */
export function compilePattern(text: unknown): Pattern {
  const pattern = checkPattern(text)
  const head = /^[^*?]*/.exec(pattern)?.[0] ?? ''
  const rest = pattern.slice(head.length)
  if (rest === '') return { text: pattern, head, plain: 'exact', matches: (key) => key === pattern }
  if (/^\*+$/.test(rest)) return { text: pattern, head, plain: 'prefix', matches: (key) => key.startsWith(head) }
  // The pattern of a caller is compiled in the thread only.
  let matcher: KeyMatcher | undefined
  const matches = (key: string) => {
    matcher ??= new KeyMatcher(pattern)
    return matcher.matches(key)
  }
  return { text: pattern, head, plain: undefined, matches }
}

/** Returns the first text after all that begin with the prefix, in UTF-8 order; undefined if there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix]
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    const code = last.codePointAt(0) as number
    if (code === 0x10ffff) continue
    return points.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1)
  }
  return undefined
}

/** Returns the next possible key. Keys contain no NUL. */
export const afterKey = (key: string) => `${key}\u0001`
