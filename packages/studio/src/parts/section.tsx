import { type ReactNode, useId } from 'react'
import { Flex, Heading } from './ui.tsx'

interface SectionProps {
  readonly title: string
  readonly beside?: ReactNode
  readonly children: ReactNode
}

export function Section({ title, beside, children }: SectionProps) {
  const id = useId()
  return (
    <section className="section" aria-labelledby={id}>
      <Flex align="center" justify="between" gap="3" wrap="wrap" mb="2">
        <Heading as="h2" id={id}>
          {title}
        </Heading>
        {beside}
      </Flex>
      {children}
    </section>
  )
}
