/** A message with its payload and where it comes from. */
import type { ReactNode } from 'react'
import type { ClientSchemas } from 'troupe/client'
import { Sources } from './sources.tsx'
import { Card, Flex, Text } from './ui.tsx'
import { Value } from './value.tsx'

interface MessageCardProps {
  readonly message: ClientSchemas['Message']
  readonly title: ReactNode
  readonly beside: ReactNode
}

export function MessageCard({ message, title, beside }: MessageCardProps) {
  const { id, from, type, payload } = message
  return (
    <Card>
      <Flex justify="between" gap="3" wrap="wrap" mb="2">
        <Text className="break">{title}</Text>
        {beside}
      </Flex>
      <Value value={payload} label={`Payload of ${type} from ${from}, ${id}`} />
      <details className="disclosure">
        <summary>Where it comes from</summary>
        <Sources of={message} />
      </details>
    </Card>
  )
}
