import { useState } from 'react'
import { asText, count, firstCharacters } from '../format.ts'
import { visible } from '../visible.ts'
import { CopyButton } from './copy-link.tsx'
import { Files, withoutBase64 } from './files.tsx'
import { Button } from './ui.tsx'

const longest = 20_000

interface ValueProps {
  readonly value: unknown
  readonly label: string
  /** The text to show; that of the value by default. */
  readonly shown?: string
  /** All of it at once, however long: nobody agrees to what he does not see. */
  readonly expanded?: boolean
}

/** A value as text, never as markup, with a button that copies it and its files below; what was text already is set as such. */
export function Value({ value, label, shown, expanded = false }: ValueProps) {
  const [all, setAll] = useState(expanded)
  const text = shown ?? asText(expanded ? value : withoutBase64(value))
  const left = all ? 0 : text.length - longest
  const more = `Show ${count(left)} more characters`
  return (
    <>
      <div className="with-copy">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard */}
        <section className="value" aria-label={label} tabIndex={0}>
          <pre className={typeof value === 'string' ? 'prose' : ''}>
            {visible(left > 0 ? firstCharacters(text, longest) : text)}
          </pre>
        </section>
        <CopyButton label="Copy" of={label} text={() => asText(value)} />
      </div>
      {left > 0 && (
        <Button small look="soft" mt="1" aria-label={`${more} of ${label}`} onClick={() => setAll(true)}>
          {more}
        </Button>
      )}
      <Files value={value} />
    </>
  )
}
