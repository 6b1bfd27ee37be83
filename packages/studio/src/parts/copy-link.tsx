/** Copies the address of what is opened, or another text. */
import { useState } from 'react'
import { Button } from './ui.tsx'

export const CopyLink = () => <CopyButton label="Copy link" text={() => location.href} />

interface CopyButtonProps {
  readonly label: string
  readonly text: () => string | Promise<string>
  /** The name of the value, for a screen reader: a page has several values to copy. */
  readonly of?: string
}

export function CopyButton({ label, text, of }: CopyButtonProps) {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  const copy = async () => {
    // Browsers have no clipboard for pages that came over plain HTTP from another machine.
    if (!navigator.clipboard) throw new Error('no clipboard')
    await navigator.clipboard.writeText(await text())
  }
  return (
    <Button
      small
      look="soft"
      aria-label={of !== undefined && state === 'ready' ? `${label} ${of}` : undefined}
      onClick={() =>
        void copy().then(
          () => setState('copied'),
          () => setState('failed'),
        )
      }
      onBlur={() => setState('ready')}
    >
      <span aria-live="polite">{{ ready: label, copied: 'Copied', failed: 'Not copied' }[state]}</span>
    </Button>
  )
}
