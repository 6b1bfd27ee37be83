/**
 * Markdown as HTML that cannot act. An agent wrote it, perhaps out of a document that somebody planted: no script, no
 * style, no picture, nothing that is loaded, and links lead to web pages and mail addresses only.
 *
 * marked reads GFM with its tables and is small; DOMPurify parses as the browser does, so nothing slips past it.
 */
import DOMPurify from 'dompurify'
import { Marked } from 'marked'
import { visible } from '../visible.ts'

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const marked = new Marked({
  gfm: true,
  renderer: {
    // The page has a heading of the first level, and its section one of the second.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6)
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`
    },
    // HTML of the text is shown as it was written.
    html: ({ text }) => escaped(text),
    image: ({ text, href }) => escaped(`${text} (picture: ${href})`),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

const allowed = {
  ALLOWED_TAGS: [
    ...['a', 'blockquote', 'br', 'code', 'del', 'em', 'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'p', 'pre'],
    ...['strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
  ],
  ALLOWED_ATTR: ['align', 'href', 'start'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
}

/** Prose has spaces of several widths, which are seen: a code in the place of each would make it hard to read. */
const withPlainSpaces = (text: string) => text.replace(/\p{Zs}/gu, ' ')

export function renderMarkdown(text: string): string {
  const fragment = DOMPurify.sanitize(marked.parse(visible(withPlainSpaces(text)), { async: false }), {
    ...allowed,
    RETURN_DOM_FRAGMENT: true,
  })
  for (const link of fragment.querySelectorAll('a[href]')) {
    link.setAttribute('rel', 'noopener noreferrer')
    link.setAttribute('target', '_blank')
  }
  // A wide table scrolls by itself, and a keyboard reaches it.
  for (const wide of fragment.querySelectorAll('table, pre')) {
    const frame = document.createElement('div')
    frame.className = 'wide'
    frame.tabIndex = 0
    wide.replaceWith(frame)
    frame.append(wide)
  }
  const root = document.createElement('div')
  root.append(fragment)
  return root.innerHTML
}

/** Longer texts are shown as text, of which a part is drawn. */
const maxLength = 500_000
const blocks =
  /^(?:#{1,6} \S|(?:```|~~~)|\|? *:?-{3,}:? *\||(?:[-*+]|\d{1,9}[.)]) \S.*\n(?:[-*+]|\d{1,9}[.)]) \S|> \S)/m

const isMarkdown = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= maxLength && blocks.test(value)

/** @returns the text if the value is Markdown, or else the longest of its fields that begins with a heading */
export function markdownIn(value: unknown): string | undefined {
  if (isMarkdown(value)) return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.values(value)
    .filter((one): one is string => isMarkdown(one) && /^\s*# \S/.test(one))
    .sort((a, b) => b.length - a.length)[0]
}
