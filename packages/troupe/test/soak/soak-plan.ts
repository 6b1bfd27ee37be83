/** What the processes of a soak agree on. */
export interface Plan {
  readonly messages: number
  readonly workers: number
  readonly producers: number
  /** Between two reports. */
  readonly everyMs: number
}

/** What a worker has counted: two different sets of numbers hardly ever have all three alike. */
export interface Tally {
  readonly count: number
  readonly sum: number
  readonly squares: number
}

/** Spread evenly, the same in every process. */
export function hash(n: number): number {
  let x = (n + 0x9e3779b9) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

export function tallyOf(worker: number, { messages, workers }: Plan): Tally {
  let [count, sum, squares] = [0, 0, 0]
  for (let n = worker; n < messages; n += workers) {
    count++
    sum += n
    squares = (squares + (n % 9_973) ** 2) % 1_000_000_007
  }
  return { count, sum, squares }
}
