import { Button, Card, Flex, Heading, Link, Table, Text } from '@radix-ui/themes'
import { type Page, part } from '../api/client.ts'
import type { Message } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { count, when } from '../format.ts'
import { Answer, Refused } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { linkTo } from '../route.ts'

interface Counts {
  readonly unread: number
  readonly waiting: number
  readonly leased: number
  readonly dead: number
}
interface Letter {
  readonly message: Message
  readonly reason: string
  readonly diedAt: string
}

export function Messages() {
  const mailboxes = useAnswer<Page<string>>('/v1/mailboxes', { every: 3_000 })
  return (
    <>
      <Heading as="h1" size="6" mb="4">
        Messages
      </Heading>
      <Section title="Mailboxes">
        <Answer
          of={mailboxes}
          none={{ when: ({ items }) => items.length === 0, say: 'Nobody has written to anybody.' }}
        >
          {({ items }) => (
            <Table.Root variant="surface" size="1">
              <Table.Header>
                <Table.Row>
                  {['Mailbox', 'Waiting', 'At work', 'Unread', 'Dead'].map((name) => (
                    <Table.ColumnHeaderCell key={name}>{name}</Table.ColumnHeaderCell>
                  ))}
                </Table.Row>
              </Table.Header>
              <Table.Body>
                {items.map((mailbox) => (
                  <MailboxRow key={mailbox} mailbox={mailbox} />
                ))}
              </Table.Body>
            </Table.Root>
          )}
        </Answer>
      </Section>
      {mailboxes.data?.items.map((mailbox) => (
        <DeadLetters key={mailbox} mailbox={mailbox} />
      ))}
    </>
  )
}

function MailboxRow({ mailbox }: { readonly mailbox: string }) {
  const { data } = useAnswer<Counts>(`/v1/mailboxes/${part(mailbox)}`, { every: 3_000 })
  return (
    <Table.Row>
      <Table.RowHeaderCell className="break">
        <Link href={linkTo('messages', mailbox)}>{mailbox}</Link>
      </Table.RowHeaderCell>
      {([data?.waiting, data?.leased, data?.unread, data?.dead] as const).map((figure, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: columns stay where they are
        <Table.Cell key={i}>{figure === undefined ? '' : count(figure)}</Table.Cell>
      ))}
    </Table.Row>
  )
}

function DeadLetters({ mailbox }: { readonly mailbox: string }) {
  const client = useClient()
  const path = `/v1/mailboxes/${part(mailbox)}/dead-letters`
  const letters = useAnswer<Page<Letter>>(path, { every: 3_000 })
  const forget = useForget()
  const { busy, error, run } = useCommand()
  const redrive = (id: string) =>
    run(async () => {
      await client.call(`${path}/${part(id)}/redrive`, { method: 'POST', body: {} })
      forget(path)
      forget(`/v1/mailboxes/${part(mailbox)}`)
    })
  // Nothing to see, nothing to say.
  if (letters.data?.items.length === 0) return null
  return (
    <Section title={`Dead letters of ${mailbox}`}>
      {error && <Refused error={error} />}
      <Answer of={letters}>
        {({ items }) => (
          <ul className="plain">
            {items.map(({ message: { id, from, type, payload }, diedAt, reason }) => (
              <li key={id}>
                <Card>
                  <Flex justify="between" gap="3" wrap="wrap" mb="2">
                    <Text size="2">
                      {type} from {from} · {when(diedAt)} · {reason}
                    </Text>
                    <Button size="1" disabled={busy} onClick={() => redrive(id)}>
                      Deliver again
                    </Button>
                  </Flex>
                  <Value value={payload} label={`Payload of ${type} from ${from}`} />
                </Card>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Section>
  )
}
