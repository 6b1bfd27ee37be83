/** What answers the questions of the benchmark: the search in documents, and three baselines of BM25. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import MiniSearch from 'minisearch'
import { DocumentIndex } from 'troupe/documents'
import type { CitedLines } from './score-answers.ts'

export type Answerer = (question: string) => Promise<readonly CitedLines[]>

interface Piece extends CitedLines {
  readonly id: number
  readonly text: string
}

const cited = 4

/** Pages that people write: generated tables of all codes and settings repeat each other. */
const pages = `agents audit backup concepts consistency context deployment encryption mcp messaging models operating
orchestra performance postgres resilience runs schedules security server testing tools troubleshooting`
  .split(/\s+/)
  .map((name) => `${name}.md`)

export interface QuestionSet {
  /** The name of its questions, and of its documents in `corpora`. */
  readonly name: string
  readonly about: string
  readonly folder: string
  readonly files: readonly string[]
}

const corpora = join(import.meta.dirname, 'corpora')
const corpus = (name: string, about: string): QuestionSet => {
  const folder = join(corpora, name)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path))
  return { name, about, folder, files: files.sort() }
}

export const questionSets: readonly QuestionSet[] = [
  {
    name: 'documentation',
    about: 'this documentation',
    folder: join(import.meta.dirname, '../../docs'),
    files: pages,
  },
  corpus('household', 'the handbook and the minutes of a household, in German and English'),
  corpus('parcels', 'the reference of an HTTP interface'),
]

export async function answerSystems({ folder, files }: QuestionSet): Promise<ReadonlyMap<string, Answerer>> {
  const index = await DocumentIndex.open(
    { folders: [], files: files.map((one) => join(folder, one)) },
    { base: folder },
  )
  const pieces = (cut: Cut) => files.flatMap((file) => piecesOf(join(folder, file), file, cut))
  return new Map<string, Answerer>([
    [
      'troupe/documents',
      async (question) => {
        const { found, citations } = await index.answer(question)
        return found ? citations : []
      },
    ],
    ['BM25 over lines', bm25(pieces((line) => line.trim() !== ''))],
    ['BM25 over paragraphs', bm25(pieces((_, lines, i) => (lines[i - 1] ?? '').trim() === ''))],
    ['BM25 over sections', bm25(pieces((line) => /^#{1,6} /.test(line)))],
  ])
}

/** Whether a piece starts in a line. */
type Cut = (line: string, lines: readonly string[], i: number) => boolean

function bm25(texts: readonly Omit<Piece, 'id'>[]): Answerer {
  const pieces = texts.map((one, id) => ({ ...one, id }))
  const search = new MiniSearch<Piece>({ fields: ['text'], searchOptions: { fuzzy: 0.1, prefix: true } })
  search.addAll(pieces)
  return async (question) =>
    search
      .search(question)
      .slice(0, cited)
      .flatMap(({ id }) => pieces[id] ?? [])
}

function piecesOf(path: string, file: string, cut: Cut): Omit<Piece, 'id'>[] {
  const pieces: Omit<Piece, 'id'>[] = []
  const lines = readFileSync(path, 'utf8').split('\n')
  let from = 0
  for (let i = 1; i <= lines.length; i++) {
    const line = lines[i]
    if (line !== undefined && !cut(line, lines, i)) continue
    const text = lines.slice(from, i).join('\n')
    if (text.trim() !== '') pieces.push({ file, line: from + 1, endLine: i, text })
    from = i
  }
  return pieces
}
