import { Link } from '@tanstack/react-router'
import { useAnswer } from '../api/use-api.tsx'
import { when } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Pager } from '../parts/pager.tsx'
import { Card, Flex, Heading, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { mailboxRoute } from '../routes.ts'

/** What is in one mailbox; looking marks nothing as read. */
export function Mailbox() {
  const { mailbox: name } = mailboxRoute.useParams()
  const { after } = mailboxRoute.useSearch()
  const query = { limit: 25, cursor: after?.at(-1) }
  const messages = useAnswer('mailboxes.messages', { path: { mailbox: name }, query, every: 3_000 })
  return (
    <>
      <Text as="p" mb="1">
        <Link to="/messages">Messages</Link>
      </Text>
      <Heading as="h1" mb="3" className="break">
        {name}
      </Heading>
      <Answer of={messages} none={{ when: ({ items }) => items.length === 0, text: 'It holds no message.' }}>
        {({ items, cursor }) => (
          <>
            <ul className="plain">
              {items.map(({ id, from, type, payload, priority, timestamp, threadId }) => (
                <li key={id}>
                  <Card>
                    <Flex justify="between" gap="3" wrap="wrap" mb="2">
                      <Text className="break">
                        {type} from {from} · {priority}
                        {threadId !== undefined && ` · thread ${threadId}`}
                      </Text>
                      <Text color="gray">{when(timestamp)}</Text>
                    </Flex>
                    <Value value={payload} label={`Payload of ${type} from ${from}, ${id}`} />
                  </Card>
                </li>
              ))}
            </ul>
            <Pager next={cursor} back="Back" on="More" />
          </>
        )}
      </Answer>
    </>
  )
}
