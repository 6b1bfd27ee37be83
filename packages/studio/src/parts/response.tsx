import { useMemo, useState } from 'react'
import { Markdown } from './markdown.tsx'
import { markdownIn } from './render-markdown.ts'
import { Section } from './section.tsx'
import { Button } from './ui.tsx'
import { Value } from './value.tsx'

/** The response of a run: Markdown is rendered, with a switch to the raw value; anything else is shown as text. */
export function Response({ value }: { readonly value: unknown }) {
  const [raw, setRaw] = useState(false)
  const markdown = useMemo(() => markdownIn(value), [value])
  const toggle = markdown !== undefined && (
    <Button small look="soft" onClick={() => setRaw(!raw)}>
      {raw ? 'Show rendered' : 'Show raw'}
    </Button>
  )
  return (
    <Section title="Response" beside={toggle}>
      {markdown === undefined || raw ? (
        <Value value={value} label="Response of the team" />
      ) : (
        <Markdown text={markdown} label="Response of the team" />
      )}
    </Section>
  )
}
