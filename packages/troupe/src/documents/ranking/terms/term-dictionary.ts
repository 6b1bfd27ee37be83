/**
 * Numbers terms from 0. The terms are bytes in one array, found by a hash table of numbers. A term takes a few bytes, instead
 * of a hundred in a `Map` of strings; folders of logs contain millions of different terms.
 */

const seed = 0x811c9dc5
const prime = 0x01000193

export class TermDictionary {
  #bytes = new Uint8Array(1 << 14)
  #starts = new Uint32Array(1 << 10)
  /** Number of a term + 1; 0 for an empty slot. At most 60 % are in use. */
  #slots = new Uint32Array(1 << 11)
  #size = 0
  readonly #encoder = new TextEncoder()
  readonly #decoder = new TextDecoder()
  #term = new Uint8Array(256)

  get size(): number {
    return this.#size
  }

  /** Returns the number of a term; undefined for one that was not added. */
  find(term: string): number | undefined {
    const known = this.#slots[this.#slotOf(this.#encode(term))] ?? 0
    return known === 0 ? undefined : known - 1
  }

  /** Returns the number of a term, and adds a new one. */
  add(term: string): number {
    const length = this.#encode(term)
    const slot = this.#slotOf(length)
    const known = this.#slots[slot] ?? 0
    if (known !== 0) return known - 1
    const start = this.#starts[this.#size] ?? 0
    while (start + length > this.#bytes.length) this.#bytes = grown(this.#bytes)
    this.#bytes.set(this.#term.subarray(0, length), start)
    this.#size += 1
    if (this.#size >= this.#starts.length) this.#starts = grown(this.#starts)
    this.#starts[this.#size] = start + length
    this.#slots[slot] = this.#size
    if (this.#size > this.#slots.length * 0.6) this.#rehash()
    return this.#size - 1
  }

  /** Returns the terms that begin or end with a term, without the term itself. */
  around(term: string): string[] {
    const length = this.#encode(term)
    const [first, last] = [this.#term[0], this.#term[length - 1]]
    const found: string[] = []
    for (let id = 0; id < this.#size; id++) {
      const start = this.#starts[id] ?? 0
      const end = this.#starts[id + 1] ?? 0
      if (end - start <= length) continue
      const isAround =
        (this.#bytes[start] === first && this.#matches(start, length)) ||
        (this.#bytes[end - 1] === last && this.#matches(end - length, length))
      if (isAround) found.push(this.#decoder.decode(this.#bytes.subarray(start, end)))
    }
    return found
  }

  /** Writes the bytes of a term into `#term`, and returns their number. */
  #encode(term: string): number {
    if (term.length * 3 > this.#term.length) this.#term = new Uint8Array(term.length * 3)
    for (let i = 0; i < term.length; i++) {
      const code = term.charCodeAt(i)
      if (code > 127) return this.#encoder.encodeInto(term, this.#term).written
      this.#term[i] = code
    }
    return term.length
  }

  /** Returns the slot of the term in `#term`, or the empty slot for it. */
  #slotOf(length: number): number {
    const mask = this.#slots.length - 1
    let slot = hashOf(this.#term, 0, length) & mask
    for (let known = this.#slots[slot] ?? 0; known !== 0; known = this.#slots[slot] ?? 0) {
      if (this.#holds(known - 1, length)) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #holds(id: number, length: number): boolean {
    const start = this.#starts[id] ?? 0
    return (this.#starts[id + 1] ?? 0) - start === length && this.#matches(start, length)
  }

  #matches(start: number, length: number): boolean {
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== this.#term[i]) return false
    return true
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let id = 0; id < this.#size; id++) {
      let slot = hashOf(this.#bytes, this.#starts[id] ?? 0, this.#starts[id + 1] ?? 0) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = id + 1
    }
    this.#slots = slots
  }
}

/** FNV-1a, finished so that the low bits depend on all of it. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = seed
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), prime)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** Returns a copy with a capacity that is larger by half. */
export function grown<T extends Uint8Array | Uint32Array>(array: T): T {
  const Type = array.constructor as new (length: number) => T
  const larger = new Type(Math.ceil(array.length * 1.5))
  larger.set(array)
  return larger
}
