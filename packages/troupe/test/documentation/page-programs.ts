/** The programs of a page: each block of TypeScript with the text that the page says it prints. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const repository = join(import.meta.dirname, '../../../..')

export interface PageProgram {
  /** For messages of tests: the page and the line of the block. */
  readonly at: string
  readonly code: string
  /** The block of text directly below the code: what the program prints. */
  readonly printed: string | undefined
  /** Why the program is only compiled, as the sentence directly below the code says. */
  readonly notExecuted: string | undefined
  /** The diagram directly above the code. */
  readonly diagram: string | undefined
}

export interface Block {
  readonly language: string
  readonly text: string
  readonly first: number
  readonly last: number
}

/** Returns the programs of `page`, a path in the repository. */
export function programsOf(page: string, text = readFileSync(join(repository, page), 'utf8')): PageProgram[] {
  const lines = text.split('\n')
  const blocks = blocksOf(lines)
  return blocks.flatMap((block, index) => {
    if (block.language !== 'ts' || !/from 'troupe(\/[\w/-]+)?'/.test(block.text)) return []
    const [above, below] = [blocks[index - 1], blocks[index + 1]]
    const adjacent = (a: Block, b: Block) => lines.slice(a.last + 1, b.first).every((line) => line === '')
    return [
      {
        at: `${page}:${block.first + 1}`,
        code: block.text,
        printed: below?.language === 'text' && adjacent(block, below) ? below.text : undefined,
        notExecuted: /^The tests do not execute this program: (.+)\.$/.exec(lines[block.last + 2] ?? '')?.[1],
        diagram: above?.language === 'mermaid' && adjacent(above, block) ? above.text : undefined,
      },
    ]
  })
}

export function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = []
  let open: { readonly language: string; readonly first: number } | undefined
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('```')) continue
    if (open) {
      const text = lines.slice(open.first + 1, at).map((each) => `${each}\n`)
      blocks.push({ ...open, text: text.join(''), last: at })
      open = undefined
    } else open = { language: line.slice(3).trim(), first: at }
  }
  return blocks
}

/** Returns the edges of a flowchart as Mermaid reads it, by the names of their nodes. */
export function edgesOf(diagram: string): string[] {
  const names = new Map([...diagram.matchAll(/^ {2}(n\d+)\W+"([^"]+)"/gm)].map(([, id = '', name = '']) => [id, name]))
  return [...diagram.matchAll(/^ {2}(n\d+) --> (n\d+)$/gm)]
    .map(([, from = '', to = '']) => `${names.get(from)} -> ${names.get(to)}`)
    .sort()
}
