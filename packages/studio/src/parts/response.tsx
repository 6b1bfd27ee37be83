import { useMemo, useState } from 'react'
import { contentText, isContent } from './content-text.ts'
import { Files } from './files.tsx'
import { Markdown } from './markdown.tsx'
import { markdownIn } from './render-markdown.ts'
import { Section } from './section.tsx'
import { Button } from './ui.tsx'
import { Value } from './value.tsx'

const label = 'Response of the team'

/**
 * The response of a run, or what its ended branches gave until it broke off or began to wait: its text or its report, as Markdown where it is that, with its files below, and a switch to the raw
 * value; a value without text is shown as it is.
 */
export function Response({ value, isPartial }: { readonly value: unknown; readonly isPartial: boolean }) {
  const [raw, setRaw] = useState(false)
  const text = isContent(value) ? contentText(value) : undefined
  const markdown = useMemo(() => markdownIn(text ?? value), [text, value])
  const isRead = text !== undefined || markdown !== undefined
  const toggle = isRead && (
    <Button small look="soft" onClick={() => setRaw(!raw)}>
      {raw ? 'Show rendered' : 'Show raw'}
    </Button>
  )
  return (
    <Section title={isPartial ? 'Partial response' : 'Response'} beside={toggle}>
      {raw || !isRead ? (
        <Value value={value} label={label} />
      ) : (
        <>
          {markdown !== undefined ? (
            <Markdown text={markdown} label={label} />
          ) : (
            text && <Value value={text} label={label} />
          )}
          <Files value={value} />
        </>
      )}
    </Section>
  )
}
