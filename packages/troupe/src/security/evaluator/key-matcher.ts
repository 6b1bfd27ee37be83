/**
 * The matcher of patterns of keys: `*` is any run of characters, dots included, `?` is one (a code point). A key is gone
 * through once, 32 marks at a time. The thread of the evaluator loads this file, so it imports nothing.
 */
type Text = readonly string[]

/** A compiled pattern. */
export class KeyMatcher {
  readonly #head: string
  readonly #first: Text
  readonly #between: readonly ReturnType<typeof finderOf>[]
  /** undefined without a `*` */
  readonly #last: Text | undefined

  constructor(pattern: string) {
    this.#head = /^[^*?]*/.exec(pattern)?.[0] ?? ''
    const [first = [], ...others] = pattern.split('*').map((part): Text => [...part])
    this.#first = first
    this.#last = others.pop()
    this.#between = others.filter((part) => part.length > 0).map(finderOf)
  }

  matches(key: string): boolean {
    if (!key.startsWith(this.#head)) return false
    const text = [...key]
    const [first, last] = [this.#first, this.#last]
    if (last === undefined) return text.length === first.length && fits(first, text, 0)
    const end = text.length - last.length
    if (end < first.length || !fits(first, text, 0) || !fits(last, text, end)) return false
    // The leftmost match of each part leaves the most text for the later parts.
    let at = first.length
    for (const find of this.#between) {
      at = find(text, at, end)
      if (at < 0) return false
    }
    return true
  }
}

const fits = (part: Text, text: Text, at: number) => part.every((mark, i) => mark === '?' || mark === text[at + i])

const setBit = (bits: Uint32Array, i: number) => {
  ;(bits[i >> 5] as number) |= 1 << (i & 31)
}

/**
 * Searches a part without backtracking: bit i of the state says that the text so far ends with the first i + 1 marks
 * (Baeza-Yates and Gonnet, "A New Approach to Text Searching", 1992).
 */
function finderOf(part: Text): (text: Text, from: number, end: number) => number {
  const words = Math.ceil(part.length / 32)
  if (words === 1) return shortFinderOf(part)
  const other = new Uint32Array(words)
  const known = new Map<string, Uint32Array>()
  for (const [i, mark] of part.entries()) if (mark === '?') setBit(other, i)
  for (const [i, mark] of part.entries()) {
    if (mark === '?') continue
    const bits = known.get(mark) ?? other.slice()
    setBit(bits, i)
    known.set(mark, bits)
  }
  const lastBit = 1 << ((part.length - 1) & 31)
  return (text, from, end) => {
    const state = new Uint32Array(words)
    for (let at = from; at < end; at++) {
      const fitting = known.get(text[at] as string) ?? other
      let carry = 1
      for (let word = 0; word < words; word++) {
        const before = state[word] as number
        state[word] = ((before << 1) | carry) & (fitting[word] as number)
        carry = before >>> 31
      }
      if ((state[words - 1] as number) & lastBit) return at + 1
    }
    return -1
  }
}

/** The same for a part of at most 32 marks, whose state is one number. */
function shortFinderOf(part: Text): ReturnType<typeof finderOf> {
  const bitsOf = (mark: string | undefined) =>
    part.reduce((bits, one, i) => (one === '?' || one === mark ? bits | (1 << i) : bits), 0)
  const other = bitsOf(undefined)
  const known = new Map(part.map((mark) => [mark, bitsOf(mark)]))
  const lastBit = 1 << (part.length - 1)
  return (text, from, end) => {
    let state = 0
    for (let at = from; at < end; at++) {
      state = ((state << 1) | 1) & (known.get(text[at] as string) ?? other)
      if (state & lastBit) return at + 1
    }
    return -1
  }
}
