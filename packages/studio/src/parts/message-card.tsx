/** A message with its payload and where it comes from. */
import type { ReactNode } from 'react'
import type { ClientSchemas } from 'troupe/client'
import { visible } from '../visible.ts'
import { CopyAddress } from './copy-link.tsx'
import { Sources } from './sources.tsx'
import { Card, Flex, Text } from './ui.tsx'
import { Value } from './value.tsx'

interface MessageCardProps {
  readonly message: ClientSchemas['Message']
  /** The mailbox that the message is in. */
  readonly mailbox: string
  readonly title: ReactNode
  readonly beside: ReactNode
  /** Whether the message stands alone, below a title that has its link. */
  readonly isOpened?: boolean
}

export function MessageCard({ message, mailbox, title, beside, isOpened = false }: MessageCardProps) {
  const { id, from, type, payload } = message
  return (
    <Card>
      <Flex justify="between" gap="3" wrap="wrap" mb="2">
        <Text className="break">{title}</Text>
        <Flex align="center" gap="2" wrap="wrap">
          {beside}
          {!isOpened && (
            <CopyAddress
              of={`to ${visible(type)} from ${visible(from)}, ${id}`}
              target={{ to: '/messages/$mailbox', params: { mailbox }, search: { message: id } }}
            />
          )}
        </Flex>
      </Flex>
      <Value value={payload} label={`Payload of ${type} from ${from}, ${id}`} />
      <details className="disclosure">
        <summary>Where it comes from</summary>
        <Sources of={message} />
      </details>
    </Card>
  )
}
