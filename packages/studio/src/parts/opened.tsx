/** The item of a list that the address names: it is shown above the list and comes into view, with its own link. */
import { type ReactNode, useEffect, useRef } from 'react'
import { CopyLink } from './copy-link.tsx'
import { Section } from './section.tsx'
import { Flex } from './ui.tsx'

interface OpenedProps {
  readonly title: string
  /** Another id is another item, which comes into view too. */
  readonly id: string
  /** A link to the view without the item. */
  readonly close: ReactNode
  readonly children: ReactNode
}

export function Opened({ title, id, close, children }: OpenedProps) {
  const box = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the item that is opened next comes into view
  useEffect(() => box.current?.focus(), [id])
  const beside = (
    <Flex gap="2" align="center">
      <CopyLink />
      {close}
    </Flex>
  )
  return (
    <div className="opened" ref={box} tabIndex={-1}>
      <Section title={title} beside={beside}>
        {children}
      </Section>
    </div>
  )
}
