/**
 * A text without the data of its files. The data of a file is base64: one run of its characters, however deep in the
 * JSON it is. A stored text that begins with `mark` has a header with the position and hash of each run that was taken
 * out, then a line break and the rest. A text that begins with the mark itself gets a header without runs, so that no
 * stored text has two meanings.
 */
const mark = '\u0001'
const alphabet = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_')
  alphabet[character.charCodeAt(0)] = 1

export interface CharacterRange {
  readonly from: number
  readonly to: number
}

/** What a stored text consists of. */
export interface SeparatedText {
  /** By position in the rest, ascending. */
  readonly runs: readonly (readonly [at: number, hash: string])[]
  readonly rest: string
}

const isBase64 = (text: string, at: number) => alphabet[text.charCodeAt(at)] === 1
/** The number of base64 characters for so many bytes, without padding. */
const charactersOf = (bytes: number) => Math.ceil((bytes * 4) / 3)

/** Returns false if the stored form of a text is surely the text itself. */
export const mayBeSeparated = (text: string, minBytes: number): boolean =>
  text.length >= charactersOf(minBytes) || text.startsWith(mark)

/**
 * Returns the runs of base64 characters in a text that are the data of at least `minBytes` bytes.
 *
 * A run that long contains a position that is a multiple of its minimal length, so only those positions are looked at:
 * a text without runs costs a few lookups, whatever its length.
 */
export function runsOf(text: string, minBytes: number): readonly CharacterRange[] {
  const min = charactersOf(minBytes)
  // Several times as fast as a loop: the data of a file may have megabytes.
  const run = /[A-Za-z0-9+/_-]+/y
  const runs: CharacterRange[] = []
  for (let at = min - 1; at < text.length; ) {
    let from = at
    while (from > 0 && isBase64(text, from - 1)) from--
    run.lastIndex = at
    const to = run.test(text) ? run.lastIndex : at
    if (to > at && to - from >= min) runs.push({ from, to })
    const next = Math.max(to, at + 1)
    at = next + (min - 1 - (next % min))
  }
  return runs
}

/** Returns the stored form of a text without the given runs. @param hashes one for each run */
export function separateText(text: string, runs: readonly CharacterRange[], hashes: readonly string[]): string {
  if (runs.length === 0) return text.startsWith(mark) ? `${mark}[]\n${text}` : text
  const header: (readonly [number, string])[] = []
  let rest = ''
  let after = 0
  runs.forEach(({ from, to }, i) => {
    rest += text.slice(after, from)
    header.push([rest.length, hashes[i] as string])
    after = to
  })
  return `${mark}${JSON.stringify(header)}\n${rest}${text.slice(after)}`
}

/** Returns the parts of a stored text; undefined if the text is stored as it is. */
export function separatedText(stored: string): SeparatedText | undefined {
  if (!stored.startsWith(mark)) return undefined
  const end = stored.indexOf('\n')
  return { runs: JSON.parse(stored.slice(mark.length, end)) as SeparatedText['runs'], rest: stored.slice(end + 1) }
}

/** @param dataOf returns the run with a hash */
export function joinText({ runs, rest }: SeparatedText, dataOf: (hash: string) => string): string {
  let text = ''
  let after = 0
  for (const [at, hash] of runs) {
    text += rest.slice(after, at) + dataOf(hash)
    after = at
  }
  return text + rest.slice(after)
}
