/** Finds the headings of Markdown: those written with `#`, those underlined with `=`, and the title in front matter. */
import type { Heading } from './heading.ts'

const hashHeading = /^ {0,3}(#{1,6})[ \t]+([^ \t].*)$/
/** The characters of a line that are read; a heading is shorter. */
const longestLine = 1_000
const fence = /^ {0,3}(`{3,}|~{3,})/

/** Removes the `#` that close a heading; a heading of these alone keeps the first. */
function withoutClosing(heading: string): string {
  const text = heading.trimEnd()
  let end = text.length
  while (end > 1 && text[end - 1] === '#') end--
  return text.slice(0, end).trimEnd()
}

/** Replaces each link by its text. */
const withoutLinks = (heading: string): string => heading.replace(/!?\[([^[\]]{1,300})\]\([^()]{0,500}\)/g, '$1').trim()

/** Returns the headings of a Markdown text in order; a `#` inside a fenced block is no heading. */
export function markdownHeadings(source: string): Heading[] {
  const headings: Heading[] = []
  let closing: string | undefined
  let previous = { text: '', offset: 0 }
  // A rule at the beginning, which no line closes, opens no front matter.
  let frontMatter = /^---\r?\n(?:[\s\S]*\n)?---[ \t\r]*(?:\n|$)/.test(source)
  let offset = 0
  for (const [index, raw] of source.split('\n').entries()) {
    const line = raw.slice(0, longestLine).trimEnd()
    if (frontMatter) {
      const title = /^title:\s*["']?(.+?)["']?$/.exec(line)
      if (title?.[1]) headings.push({ offset, level: 1, text: title[1] })
      if (index > 0 && line === '---') frontMatter = false
    } else {
      const mark = fence.exec(line)?.[1]
      if (closing !== undefined) {
        if (mark?.startsWith(closing) && line.trim() === mark) closing = undefined
      } else if (mark) closing = mark
      else {
        const hash = hashHeading.exec(line)
        if (hash?.[1] && hash[2])
          headings.push({ offset, level: hash[1].length, text: withoutLinks(withoutClosing(hash[2])) })
        else if (/^(?:=+|-{3,})$/.test(line) && previous.text.trim() !== '' && !/^\s*[|>*+-]/.test(previous.text))
          headings.push({
            offset: previous.offset,
            level: line.startsWith('=') ? 1 : 2,
            text: withoutLinks(previous.text),
          })
      }
    }
    previous = { text: closing === undefined && !frontMatter ? line : '', offset }
    offset += raw.length + 1
  }
  return headings
}
