/** Copies the address of what is opened, the address of an item of a list, or another text. */
import { type NavigateOptions, useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from './ui.tsx'

export const CopyLink = () => <CopyButton label="Copy link" keys="l" text={() => location.href} />

interface CopyAddressProps {
  /** The name of the item, for a screen reader. */
  readonly of: string
  /** The place of the page that opens the item. */
  readonly target: NavigateOptions
}

export function CopyAddress({ of, target }: CopyAddressProps) {
  const router = useRouter()
  const address = () => {
    const { href } = router.buildLocation(target as never)
    return new URL(router.history.createHref(href), location.href).href
  }
  return <CopyButton label="Copy link" of={of} keys="l" text={address} />
}

interface CopyButtonProps {
  readonly label: string
  readonly text: () => string | Promise<string>
  /** The name of the value, for a screen reader: a page has several values to copy. */
  readonly of?: string
  /** The key that presses the button; keyboard.tsx has the list. */
  readonly keys?: 'c' | 'l'
}

export function CopyButton({ label, text, of, keys }: CopyButtonProps) {
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
      aria-keyshortcuts={keys}
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
