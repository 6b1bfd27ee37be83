import { useMemo } from 'react'
import { renderMarkdown } from './render-markdown.ts'

/** A text of an agent as Markdown, in which nothing acts. */
export function Markdown({ text, label }: { readonly text: string; readonly label: string }) {
  const html = useMemo(() => renderMarkdown(text), [text])
  return (
    // biome-ignore lint/security/noDangerouslySetInnerHtml: renderMarkdown lets nothing through that acts
    <article className="markdown" aria-label={label} dangerouslySetInnerHTML={{ __html: html }} />
  )
}
