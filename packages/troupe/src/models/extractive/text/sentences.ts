/**
 * Cuts a text into sentences that can be quoted: each is a piece of the text, verbatim except for runs of white space.
 * Code blocks, tables, headings and front matter are no sentences.
 */
export interface Sentence {
  readonly text: string
  /** Its position in the text from which it was cut. */
  readonly offset: number
}

/** Marks of emphasis that close in this sentence and open in an earlier one, or open here and close in a later one. */
const stray = /^\s*(?:(?:\*{1,3}|_{1,3})\s+(?=\S)|\*{2,3}(?=[^*]*$))/

/** The maximal length of a quoted sentence in characters, and the maximal number of sentences of one text. */
const longestSentence = 600
const maxSentences = 5_000

/**
 * @example
 * sentencesOf('# Tea\nTea is a drink. It is hot.').map((one) => one.text) // ['Tea is a drink.', 'It is hot.']
 */
export function sentencesOf(text: string): Sentence[] {
  const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
  const sentences: Sentence[] = []
  for (const block of blocksOf(text)) {
    // A line break would end a sentence; in running text it is a space.
    const paragraph = text.slice(block.start, block.end).replace(/[\r\n]/g, ' ')
    for (const { segment, index } of segmenter.segment(paragraph)) {
      const lead = stray.exec(segment)?.[0].length ?? segment.search(/\S/)
      const sentence = segment.slice(lead).trim().replace(/\s+/g, ' ')
      if (isQuotable(sentence)) sentences.push({ text: sentence, offset: block.start + index + lead })
      if (sentences.length === maxSentences) return sentences
    }
  }
  return sentences
}

interface Block {
  start: number
  end: number
}

const fence = /^\s*(?:`{3,}|~{3,})/
const unquoted = [
  /^\s*(?:#{1,6}\s|\||<|@|[-=*_]{3,}\s*$|[{}()[\];]+\s*$)/,
  /^\s*(?:import|export|const|let|var|return|function|class)\s/,
  // Front matter that has lost its marks, and properties of an object in code.
  /^\s*(?:title|description):\s/,
  /^\s*['"]?\w+['"]?:\s*['"`{[(]/,
  // Statements and declarations of source files.
  /^\s*(?:(?:if|for|while|switch|catch)\s?\(|throw new\s|await\s[\w.]+\(|interface\s\w+\s?[{<]|[})\]])/,
  /^\s*(?:(?:async|private|protected|public|readonly|static)\s)+[\w#]+\??[:(=<]/,
  /^\s*[\w.$[\]'"]+\s*(?:[+?|&-]{0,2}=)\s/,
]
/** List items, quotations and comments begin with these. */
const marker = /^\s*(?:(?:[-*+]|\/\*\*?|\/\/+|\d{1,3}[.)])\s+|>\s?)+/

/** Returns the length of the mark that ends a comment, with the spaces around it; 0 if the line ends with something else. */
function lengthOfCommentEnd(line: string): number {
  const text = line.trimEnd()
  return text.endsWith('*/') ? line.length - text.slice(0, -2).trimEnd().length : 0
}

/** Returns the paragraphs and list items of a text, in order. */
function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  let fenced = startsInCode(text)
  let frontMatter = /^---\n(?:[\s\S]*\n)?[ \t]*---[ \t\r]*(?:\n|$)/.test(text)
  let start = 0
  while (start < text.length) {
    const feed = text.indexOf('\n', start)
    const end = feed < 0 ? text.length : feed
    const line = text.slice(start, end)
    const mark = marker.exec(line)?.[0].length ?? 0
    const code = fence.test(line)
    const tail = lengthOfCommentEnd(line)
    if (code) fenced = !fenced
    if (fenced || code || frontMatter || line.trim() === '' || unquoted.some((one) => one.test(line))) open = undefined
    else if (open && mark === 0) open.end = end - tail
    else {
      open = { start: start + mark, end: end - tail }
      blocks.push(open)
    }
    if (tail > 0) open = undefined
    if (frontMatter && start > 0 && line.trim() === '---') frontMatter = false
    start = end + 1
  }
  return blocks
}

/** A piece of a longer text may begin inside a code block: its first fence is then a closing one, without a language. */
function startsInCode(text: string): boolean {
  const fences = text.split('\n').filter((line) => fence.test(line))
  return fences.length % 2 === 1 && /^\s*(?:`+|~+)\s*$/.test(fences[0] ?? '')
}

/**
 * Returns whether a sentence is prose: some words, mostly letters, neither code nor a line that only introduces the
 * next.
 */
function isQuotable(sentence: string): boolean {
  if (sentence.length > longestSentence) return false
  const letters = sentence.match(/[\p{L}\p{N}\s]/gu)?.length ?? 0
  if (letters < sentence.length * 0.75) return false
  const prose = sentence.replace(/`[^`]*`/g, '')
  if (/[;{]$|=>|\/\/ |\?\.|[=!]==?|&&|^\.{3}/.test(prose)) return false
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(sentence)
    ? sentence.length >= 4
    : sentence.split(' ').length >= 3
}
