/** Generates a corpus whose words are distributed as in natural text: few often, most seldom. Equal for equal seeds. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type CorpusShape = keyof typeof shapes

export interface CorpusOptions {
  /** What the files hold; `pages` of Markdown by default. */
  readonly shape?: CorpusShape
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
  { shape = 'pages', files, bytes, seed }: CorpusOptions,
): { readonly files: number; readonly bytes: number } {
  const next = generator(seed)
  const words = [...common, ...Array.from({ length: 20_000 }, () => wordOf(next))]
  let written = 0
  for (let i = 0; i < files; i++) {
    const inside = join(folder, `part-${String(Math.floor(i / filesPerFolder)).padStart(3, '0')}`)
    if (i % filesPerFolder === 0) mkdirSync(inside, { recursive: true })
    const { extension, textOf } = shapes[shape]
    const text = textOf(Math.round((bytes - written) / (files - i)), words, next)
    writeFileSync(join(inside, `page-${i}.${extension}`), text)
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

function logOf(size: number, words: readonly string[], next: () => number): string {
  let text = ''
  for (let second = 0; text.length < size; second++) {
    const time = new Date(1_700_000_000_000 + second * 1_000).toISOString()
    text += `${time} ${next() < 0.05 ? 'ERROR' : 'info'} ${sentenceOf(words, next, 6 + Math.floor(next() * 8))}\n`
  }
  return text.slice(0, size)
}

function tableOf(size: number, words: readonly string[], next: () => number): string {
  let text = 'id,name,description,amount\n'
  for (let row = 0; text.length < size; row++)
    text += `${row},${sentenceOf(words, next, 2)},"${sentenceOf(words, next, 8)}",${Math.floor(next() * 1e6)}\n`
  return text.slice(0, size)
}

function codeOf(size: number, words: readonly string[], next: () => number): string {
  const name = () => sentenceOf(words, next, 3).slice(0, -1).toLowerCase().replaceAll(' ', '_')
  let text = ''
  while (text.length < size) {
    text += `/** ${sentenceOf(words, next, 8)} */\nexport function ${name()}(${name()}: number): number {\n`
    for (let i = 0; i < 6; i++) text += `  const ${name()} = ${name()}(${Math.floor(next() * 100)})\n`
    text += '}\n\n'
  }
  return text.slice(0, size)
}

function htmlOf(size: number, words: readonly string[], next: () => number): string {
  let text = '<html><body>\n'
  while (text.length < size) {
    if (next() < 0.2) text += `<h2>${sentenceOf(words, next, 3)}</h2>\n`
    text += `<p>${sentenceOf(words, next, 40)}</p>\n`
  }
  return text.slice(0, size)
}

/** The kinds of files that people have in quantity. */
const shapes = {
  pages: { extension: 'md', textOf: pageOf },
  logs: { extension: 'log', textOf: logOf },
  tables: { extension: 'csv', textOf: tableOf },
  code: { extension: 'ts', textOf: codeOf },
  html: { extension: 'html', textOf: htmlOf },
} as const

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
