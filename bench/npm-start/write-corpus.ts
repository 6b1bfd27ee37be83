/** Generates a corpus whose words are distributed as in natural text: few often, most seldom. Equal for equal seeds. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CorpusOptions {
  readonly files: number
  /** Of all files together. */
  readonly bytes: number
  readonly seed: number
}

const common = `the of to and a in is that for it with as on be by this an are or from at which not have can
retry retries limit limited queue refuse refuses work cache cleared clear timeout request response server client error
worker message run step agent storage commit journal lease token budget`.split(/\s+/)
const filesPerFolder = 100

/** @returns what was written */
export function writeCorpus(
  folder: string,
  { files, bytes, seed }: CorpusOptions,
): { readonly files: number; readonly bytes: number } {
  const next = generator(seed)
  const words = [...common, ...Array.from({ length: 20_000 }, () => wordOf(next))]
  let written = 0
  for (let i = 0; i < files; i++) {
    const inside = join(folder, `part-${String(Math.floor(i / filesPerFolder)).padStart(3, '0')}`)
    if (i % filesPerFolder === 0) mkdirSync(inside, { recursive: true })
    const text = pageOf(Math.round((bytes - written) / (files - i)), words, next)
    writeFileSync(join(inside, `page-${i}.md`), text)
    written += text.length
  }
  return { files, bytes: written }
}

function pageOf(size: number, words: readonly string[], next: () => number): string {
  let text = `# ${sentenceOf(words, next, 4)}\n`
  while (text.length < size) {
    text += next() < 0.2 ? `\n## ${sentenceOf(words, next, 3)}\n\n` : '\n'
    for (let i = 0; i < 5; i++) text += `${sentenceOf(words, next, 8 + Math.floor(next() * 12))}\n`
  }
  return text.slice(0, size)
}

function sentenceOf(words: readonly string[], next: () => number, length: number): string {
  // Zipf: the rank of a word is the exponential of an even chance.
  const chosen = Array.from({ length }, () => words[Math.floor(words.length ** next()) - 1] ?? 'the')
  const text = chosen.join(' ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function wordOf(next: () => number): string {
  const syllables = ['ba', 'ke', 'li', 'mo', 'nu', 'pra', 'ren', 'sto', 'ti', 'vel', 'gar', 'hes', 'dan', 'fo', 'cil']
  return Array.from(
    { length: 2 + Math.floor(next() * 3) },
    () => syllables[Math.floor(next() * syllables.length)],
  ).join('')
}

/** A small linear congruential generator: good enough for words. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
