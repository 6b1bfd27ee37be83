/** Copies the address of what is opened. */
import { useState } from 'react'
import { Button } from './ui.tsx'

export function CopyLink() {
  const [state, setState] = useState<'ready' | 'copied' | 'failed'>('ready')
  // Browsers have no clipboard for pages that came over plain HTTP from another machine.
  const copy = () =>
    Promise.resolve(navigator.clipboard?.writeText(location.href) ?? Promise.reject(new Error('no clipboard'))).then(
      () => setState('copied'),
      () => setState('failed'),
    )
  return (
    <Button small look="soft" onClick={() => void copy()} onBlur={() => setState('ready')}>
      <span role="status">{{ ready: 'Copy link', copied: 'Copied', failed: 'Not copied' }[state]}</span>
    </Button>
  )
}
