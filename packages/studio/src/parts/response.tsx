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
 * Shows the response of a run, or the results that its branches had given when it failed, was cancelled or began to wait. A text
 * or a report is rendered, if it is Markdown as such, with its files below and a switch to the raw value. Another value is shown
 * as JSON.
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
