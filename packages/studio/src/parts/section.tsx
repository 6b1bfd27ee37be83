import { type ReactNode, useId } from 'react'
import { Flex, Heading, Text } from './ui.tsx'

interface SectionProps {
  readonly title: string
  /** Beside the title, in grey: a count. */
  readonly note?: ReactNode
  readonly beside?: ReactNode
  readonly children: ReactNode
}

export function Section({ title, note, beside, children }: SectionProps) {
  const id = useId()
  return (
    <section className="section" aria-labelledby={id}>
      <Flex align="center" justify="between" gap="3" wrap="wrap" mb="2" className="section-title">
        <Flex align="center" gap="2" wrap="wrap">
          <Heading as="h2" id={id}>
            {title}
          </Heading>
          {note && <Text color="gray">{note}</Text>}
        </Flex>
        {beside}
      </Flex>
      {children}
    </section>
  )
}
