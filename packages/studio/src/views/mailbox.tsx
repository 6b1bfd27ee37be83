/** The messages of one mailbox, by lanes: a lane is one sender's messages of one priority, the unit of order. */
import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { maxSearched, useItem } from '../api/use-item.ts'
import { count, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { MessageCard } from '../parts/message-card.tsx'
import { Opened } from '../parts/opened.tsx'
import { Pager } from '../parts/pager.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { mailboxRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { DeadLetters, OneLetter } from './messages.tsx'

type Message = AnswerOf<'mailboxes.messages'>['items'][number]

/** Looking marks nothing as read. */
export function Mailbox() {
  const { mailbox: name } = mailboxRoute.useParams()
  const { after, from, priority, thread, message: opened } = mailboxRoute.useSearch()
  const navigate = mailboxRoute.useNavigate()
  const query = { limit: 25, cursor: after?.at(-1), from, priority, threadId: thread }
  const messages = useAnswer('mailboxes.messages', { path: { mailbox: name }, query, every: 3_000 })
  const isNarrowed = from !== undefined || priority !== undefined || thread !== undefined
  const narrowed = [
    from !== undefined && `from ${visible(from)}`,
    priority !== undefined && `of priority ${priority}`,
    thread !== undefined && `of thread ${visible(thread)}`,
  ]
    .filter(Boolean)
    .join(', ')
  return (
    <>
      <ViewHeader within={<Link to="/messages">Messages</Link>} title={visible(name)} />
      {opened !== undefined && <OneMessage mailbox={name} id={opened} />}
      {isNarrowed && (
        <Flex gap="2" align="center" wrap="wrap">
          <Text className="break">Only messages {narrowed}</Text>
          <Button small look="soft" onClick={() => void navigate({ search: {} })}>
            Show all
          </Button>
        </Flex>
      )}
      <Answer
        of={messages}
        none={{
          when: ({ items }) => items.length === 0,
          text: isNarrowed
            ? 'No message is like that.'
            : 'It holds no message that waits to be handled. Those that an agent or a program sends appear here.',
        }}
      >
        {({ items, cursor }) => (
          <>
            {[...Map.groupBy(items, (one) => `${one.priority} ${one.from}`)].map(([lane, found]) => (
              <Lane key={lane} mailbox={name} messages={found} />
            ))}
            <Pager next={cursor} back="Back" on="More" />
          </>
        )}
      </Answer>
      {!isNarrowed && <DeadLetters mailbox={name} />}
    </>
  )
}

/** The message that the address names, while it waits or when it is a dead letter. */
function OneMessage({ mailbox, id }: { readonly mailbox: string; readonly id: string }) {
  const path = { mailbox }
  const waiting = useItem('mailboxes.messages', { path }, { id, idOf: (one) => one.id })
  const dead = useItem('mailboxes.deadLetters', { path }, { id, idOf: ({ message }) => message.id })
  const close = (
    <Link from="/messages/$mailbox" to="." search={({ message: _, ...search }) => search} aria-keyshortcuts="Escape">
      Close
    </Link>
  )
  return (
    <Opened title={dead.data ? 'Dead letter' : 'Message'} id={id} close={close}>
      <Answer of={waiting}>
        {(message) => (
          <Answer of={dead}>
            {(letter) =>
              letter ? (
                <OneLetter mailbox={mailbox} letter={letter} isOpened />
              ) : message ? (
                <MessageInLane mailbox={mailbox} message={message} isOpened />
              ) : (
                <Nothing>
                  The mailbox has no message with this address among the first {count(maxSearched)}. Messages leave it
                  when they are handled, expire or are deleted.
                </Nothing>
              )
            }
          </Answer>
        )}
      </Answer>
    </Opened>
  )
}

interface LaneProps {
  readonly mailbox: string
  readonly messages: readonly Message[]
}

function Lane({ mailbox, messages }: LaneProps) {
  const [first] = messages
  if (!first) return null
  const { from, priority } = first
  const only = (
    <Link
      from="/messages/$mailbox"
      to="."
      search={{ from, priority }}
      aria-label={`Only this lane: ${visible(from)}, ${priority}`}
    >
      Only this lane
    </Link>
  )
  const title = `Lane of ${visible(from)}, ${priority}: ${count(messages.length)}`
  return (
    <Section title={title} beside={only}>
      <ol className="plain">
        {messages.map((message) => (
          <li key={message.id}>
            <MessageInLane mailbox={mailbox} message={message} />
          </li>
        ))}
      </ol>
    </Section>
  )
}

interface MessageInLaneProps {
  readonly mailbox: string
  readonly message: Message
  readonly isOpened?: boolean
}

function MessageInLane({ mailbox, message, isOpened = false }: MessageInLaneProps) {
  const { type, timestamp, expiresAt, threadId } = message
  const title = (
    <>
      {visible(type)}
      {threadId !== undefined && (
        <>
          {' · thread '}
          <Link from="/messages/$mailbox" to="." search={{ thread: threadId }}>
            {visible(threadId)}
          </Link>
        </>
      )}
    </>
  )
  const times = (
    <Text color="gray">
      {when(timestamp)}
      {expiresAt !== undefined && `, until ${when(expiresAt)}`}
    </Text>
  )
  return <MessageCard message={message} mailbox={mailbox} title={title} beside={times} isOpened={isOpened} />
}
