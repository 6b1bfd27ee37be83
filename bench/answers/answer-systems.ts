/** What answers the questions of the benchmark: the search in documents, and three baselines of BM25. */
import { readFileSync } from 'node:fs'
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

export async function answerSystems(folder: string): Promise<ReadonlyMap<string, Answerer>> {
  const files = pages.map((page) => join(folder, page))
  const index = await DocumentIndex.open({ folders: [], files }, { base: folder })
  const pieces = (cut: (line: string, lines: readonly string[], i: number) => boolean) => piecesOf(folder, cut)
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

function bm25(pieces: readonly Piece[]): Answerer {
  const search = new MiniSearch<Piece>({ fields: ['text'], searchOptions: { fuzzy: 0.1, prefix: true } })
  search.addAll(pieces)
  return async (question) =>
    search
      .search(question)
      .slice(0, cited)
      .flatMap(({ id }) => pieces[id] ?? [])
}

/** @param starts whether a piece starts in a line */
function piecesOf(folder: string, starts: (line: string, lines: readonly string[], i: number) => boolean): Piece[] {
  const pieces: Piece[] = []
  for (const file of pages) {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n')
    let from = 0
    for (let i = 1; i <= lines.length; i++) {
      const line = lines[i]
      if (line !== undefined && !starts(line, lines, i)) continue
      const text = lines.slice(from, i).join('\n')
      if (text.trim() !== '') pieces.push({ id: pieces.length, file, line: from + 1, endLine: i, text })
      from = i
    }
  }
  return pieces
}
