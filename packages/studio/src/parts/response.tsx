import { useMemo, useState } from 'react'
import { markdownIn, renderMarkdown } from './render-markdown.ts'
import { Section } from './section.tsx'
import { Button } from './ui.tsx'
import { Value } from './value.tsx'

/** The response of a run: Markdown is rendered, with a switch to the raw value; anything else is shown as text. */
export function Response({ value }: { readonly value: unknown }) {
  const [raw, setRaw] = useState(false)
  const html = useMemo(() => {
    const text = markdownIn(value)
    return text === undefined ? undefined : renderMarkdown(text)
  }, [value])
  const toggle = html !== undefined && (
    <Button small look="soft" onClick={() => setRaw(!raw)}>
      {raw ? 'Show rendered' : 'Show raw'}
    </Button>
  )
  return (
    <Section title="Response" beside={toggle}>
      {html === undefined || raw ? (
        <Value value={value} label="Response of the team" />
      ) : (
        // biome-ignore lint/security/noDangerouslySetInnerHtml: renderMarkdown lets nothing through that acts
        <article className="markdown" aria-label="Response of the team" dangerouslySetInnerHTML={{ __html: html }} />
      )}
    </Section>
  )
}
