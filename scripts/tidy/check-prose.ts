/** The prose of the documentation: words that GLOSSARY.md replaces, sentences that are too long, titles that are fragments. */
import type { Finding } from './finding.ts'
import type { Workspace } from './workspace.ts'

/** Pages for users. Decisions are dated records, and stay as they were written. */
const isPage = (path: string) => /^(README\.md|docs\/[\w-]+\.md|packages\/[\w-]+\/README\.md)$/.test(path)

interface ProseRule {
  readonly pattern: RegExp
  readonly instead: string
}

const rules: readonly ProseRule[] = [
  { pattern: /\bnobody\b/gi, instead: "name what is absent: 'no caller', 'no process', 'no agent'" },
  { pattern: /\bwhoever\b/gi, instead: "name it: 'a caller that', 'the process that', 'a person who'" },
  { pattern: /\b(somebody|everybody)\b/gi, instead: "name them: 'a person', 'another process', 'all users'" },
  { pattern: /\bwhom\b/gi, instead: 'name the recipient, the caller or the user' },
  { pattern: /\bit is no (?!longer\b|more\b|later\b)/gi, instead: "say 'it is not a …'" },
  { pattern: /^#+ (is|that|of|are)\b/gim, instead: 'begin a title with what the section is about' },
]

/** The longest sentence. The parts of a list after a colon or a semicolon count as sentences of their own. */
const maxWords = 35

export const checkProse = (workspace: Workspace): Finding[] =>
  workspace.paths.filter(isPage).flatMap((path) => checkPage(path, workspace.text(path)))

export function checkPage(path: string, page: string): Finding[] {
  const text = proseOf(page)
  const finding = (offset: number, message: string): Finding => ({
    path,
    line: text.slice(0, offset).split('\n').length,
    rule: 'prose',
    message,
  })
  const words = rules.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map((match) => finding(match.index, `'${match[0].trim()}': ${instead}`)),
  )
  const long = sentencesOf(text).flatMap(({ offset, sentence }) => {
    const count = sentence.split(/\s+/).filter((word) => /\w/.test(word)).length
    return count > maxWords ? [finding(offset, `a sentence of ${count} words: ${maxWords} at most, or a list`)] : []
  })
  return [...words, ...long]
}

/** The page without code, comments, and titles of tests; what is left stays on its line and at its offset. */
function proseOf(page: string): string {
  const blank = (text: string) => text.replaceAll(/[^\n]/g, ' ')
  return page
    .replaceAll(/^```[\s\S]*?^```/gm, blank)
    .replaceAll(/<!--[\s\S]*?-->/g, blank)
    .replaceAll(/`[^`]+\.test\.tsx?` › .*?(?=<br>| \|$)/gm, blank)
    .replaceAll(/`[^`\n]+`/g, (code) => `x${blank(code).slice(1)}`)
}

function* paragraphsOf(text: string): Generator<{ readonly offset: number; readonly text: string }> {
  let offset = 0
  for (const paragraph of text.split(/(?<=\n)(?=\s*\n|[-*|#\d])/)) {
    // Cells of tables are read one by one, and headings are no sentences.
    if (!/^\s*[|#]/.test(paragraph)) yield { offset, text: paragraph }
    offset += paragraph.length
  }
}

function sentencesOf(text: string): { readonly offset: number; readonly sentence: string }[] {
  return [...paragraphsOf(text)].flatMap((paragraph) => {
    let { offset } = paragraph
    return paragraph.text.split(/(?<=[.!?:;]\)?\s)/).map((sentence) => {
      const found = { offset: offset + sentence.length - sentence.trimStart().length, sentence }
      offset += sentence.length
      return found
    })
  })
}
