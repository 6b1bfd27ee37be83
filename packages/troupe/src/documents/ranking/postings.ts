/**
 * Stores for each term the numbers of the texts that hold it and its frequency in each, as bytes. The bytes of a term are
 * in slices of pages that all terms share. Each slice is twice as long as the one before, up to 4,096 bytes, and ends with
 * the address of the next. A term of one text takes 8 bytes.
 */
import { grown } from './terms/term-dictionary.ts'

const pageBits = 16
const pageSize = 1 << pageBits
const addressSize = 4
const firstSlice = 8
const longestSlice = 1 << 12
/** The bytes of the largest number and of a frequency. */
const longestPosting = 6

export class Postings {
  readonly #pages: Uint8Array[] = []
  /** The position of the next slice in the last page. */
  #free = pageSize
  #heads = new Uint32Array(1 << 10)
  /** The positions of the next byte of each term, and of the address at the end of its slice. */
  #tails = new Uint32Array(1 << 10)
  #ends = new Uint32Array(1 << 10)
  #sizes = new Uint32Array(1 << 10)
  #counts = new Uint32Array(1 << 10)
  /** The last number + 1. */
  #lasts = new Uint32Array(1 << 10)
  readonly #posting = new Uint8Array(longestPosting)

  /** The number of texts that hold a term. */
  count(term: number): number {
    return this.#counts[term] ?? 0
  }

  /**
   * @param text larger than that of the call before for this term
   * @param frequency from 0 to 255
   */
  add(term: number, text: number, frequency: number): void {
    while (term >= this.#heads.length) this.#grow()
    if (this.#counts[term] === 0) this.#heads[term] = this.#open(term, firstSlice)
    let length = 0
    let gap = text + 1 - (this.#lasts[term] ?? 0)
    while (gap > 127) {
      this.#posting[length++] = (gap & 127) | 128
      gap >>>= 7
    }
    this.#posting[length++] = gap
    this.#posting[length++] = frequency
    for (let i = 0; i < length; i++) this.#append(term, this.#posting[i] ?? 0)
    this.#lasts[term] = text + 1
    this.#counts[term] = (this.#counts[term] ?? 0) + 1
  }

  /** Calls a function for each text that holds a term, in the order of the numbers. */
  forEach(term: number, visit: (text: number, frequency: number) => void): void {
    let at = this.#heads[term] ?? 0
    let size = firstSlice
    let end = at + size - addressSize
    const next = () => {
      if (at === end) {
        at = this.#address(end)
        size = Math.min(size * 2, longestSlice)
        end = at + size - addressSize
      }
      return this.#pages[at >>> pageBits]?.[at++ & (pageSize - 1)] ?? 0
    }
    let text = -1
    for (let left = this.count(term); left > 0; left--) {
      let gap = 0
      let shift = 0
      let byte = next()
      while (byte > 127) {
        gap |= (byte & 127) << shift
        shift += 7
        byte = next()
      }
      text += gap | (byte << shift)
      visit(text, next())
    }
  }

  #append(term: number, byte: number): void {
    const end = this.#ends[term] ?? 0
    if (this.#tails[term] === end) {
      const address = this.#open(term, Math.min((this.#sizes[term] ?? 0) * 2, longestSlice))
      for (let i = 0; i < addressSize; i++) this.#write(end + i, (address >>> (8 * i)) & 255)
    }
    const at = this.#tails[term] ?? 0
    this.#write(at, byte)
    this.#tails[term] = at + 1
  }

  /** Allocates a new slice for a term, and returns its position. */
  #open(term: number, size: number): number {
    if (this.#free + size > pageSize) {
      this.#pages.push(new Uint8Array(pageSize))
      this.#free = 0
    }
    const start = (this.#pages.length - 1) * pageSize + this.#free
    this.#free += size
    this.#tails[term] = start
    this.#ends[term] = start + size - addressSize
    this.#sizes[term] = size
    return start
  }

  #write(at: number, byte: number): void {
    const page = this.#pages[at >>> pageBits]
    if (page) page[at & (pageSize - 1)] = byte
  }

  #address(at: number): number {
    let address = 0
    for (let i = addressSize - 1; i >= 0; i--)
      address = ((address << 8) | (this.#pages[at >>> pageBits]?.[(at & (pageSize - 1)) + i] ?? 0)) >>> 0
    return address
  }

  #grow(): void {
    this.#heads = grown(this.#heads)
    this.#tails = grown(this.#tails)
    this.#ends = grown(this.#ends)
    this.#sizes = grown(this.#sizes)
    this.#counts = grown(this.#counts)
    this.#lasts = grown(this.#lasts)
  }
}
