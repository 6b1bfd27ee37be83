import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import type { DeadLetter } from '../api/shapes.ts'
import { useAnswer, useClient, useForget } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, when } from '../format.ts'
import { Answer, ErrorNotice } from '../parts/answer.tsx'
import { type Column, DataTable, fromRow } from '../parts/data-table.tsx'
import { MessageCard } from '../parts/message-card.tsx'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { RestoreFocus } from '../parts/restore-focus.tsx'
import { Section } from '../parts/section.tsx'
import { Button, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { ViewHeader } from '../parts/view-header.tsx'
import { messagesRoute } from '../routes.ts'
import { visible } from '../visible.ts'

/** Each is asked for its counts: more at once would be more than the server lets one ask. */
const perPage = 25
const countsEvery = 5_000

const useCounts = (mailbox: string) => useAnswer('mailboxes.counts', { path: { mailbox }, every: countsEvery }).data

export function Messages() {
  const { after } = messagesRoute.useSearch()
  const query = { limit: perPage, cursor: after?.at(-1) }
  const mailboxes = useAnswer('mailboxes.list', { query, every: 3_000 })
  return (
    <>
      <ViewHeader title="Messages" />
      <Section title="Mailboxes">
        <Answer
          of={mailboxes}
          none={{
            when: ({ items }) => items.length === 0,
            text: 'No message was sent yet. Agents send one with `messages.send`.',
          }}
        >
          {({ items, cursor }) => (
            <>
              <DataTable
                columns={columns}
                rows={items.map((mailbox) => ({ mailbox }))}
                rowKey={({ mailbox }) => mailbox}
                isPart={isPartOfList(after, cursor)}
              />
              <Pager next={cursor} back="Back" on="More" />
            </>
          )}
        </Answer>
      </Section>
      {mailboxes.data?.items.map((mailbox) => (
        <DeadLetters key={mailbox} mailbox={mailbox} />
      ))}
    </>
  )
}

interface MailboxRow {
  readonly mailbox: string
}
type Counts = AnswerOf<'mailboxes.counts'>

function Counted({ mailbox, of: name }: { readonly mailbox: string; readonly of: keyof Counts }) {
  const value = useCounts(mailbox)?.[name]
  if (value === undefined) return null
  return name === 'dead' && value > 0 ? <span className="chip fail">{count(value)}</span> : count(value)
}

const counted = (title: string, name: keyof Counts): Column<MailboxRow> => ({
  header: title,
  cell: fromRow(({ mailbox }) => <Counted mailbox={mailbox} of={name} />),
  meta: { numeric: true },
})

const columns: readonly Column<MailboxRow>[] = [
  {
    header: 'Mailbox',
    accessorFn: ({ mailbox }) => mailbox,
    cell: fromRow(({ mailbox }) => (
      <Link to="/messages/$mailbox" params={{ mailbox }}>
        {visible(mailbox)}
      </Link>
    )),
    meta: { breaks: true },
  },
  counted('Waiting', 'waiting'),
  counted('At work', 'leased'),
  counted('Unread', 'unread'),
  counted('Dead', 'dead'),
]

/** Nothing to see, nothing to say, and nothing to ask for. */
export function DeadLetters({ mailbox }: { readonly mailbox: string }) {
  const dead = useCounts(mailbox)?.dead ?? 0
  return dead === 0 ? null : <LettersOf mailbox={mailbox} />
}

function LettersOf({ mailbox }: { readonly mailbox: string }) {
  const letters = useAnswer('mailboxes.deadLetters', { path: { mailbox }, query: { limit: perPage } })
  return (
    <Section title={`Dead letters of ${visible(mailbox)}`}>
      <Answer of={letters}>
        {({ items, cursor }) => (
          <>
            <ul className="plain">
              {items.map((letter) => (
                <li key={letter.message.id}>
                  <OneLetter mailbox={mailbox} letter={letter} />
                </li>
              ))}
            </ul>
            {cursor !== undefined && <Text as="p">There are more: they follow when these are delivered again.</Text>}
          </>
        )}
      </Answer>
    </Section>
  )
}

interface OneLetterProps {
  readonly mailbox: string
  readonly letter: DeadLetter
  readonly isOpened?: boolean
}

export function OneLetter({ mailbox, letter: { message, diedAt, reason }, isOpened = false }: OneLetterProps) {
  const client = useClient()
  const may = useMay()
  const forget = useForget()
  const { busy, error, run } = useCommand()
  const { id, from, type } = message
  const path = { mailbox }
  const redrive = () =>
    run(async () => {
      await client.call('mailboxes.redrive', { path: { mailbox, message: id } })
      for (const name of ['mailboxes.deadLetters', 'mailboxes.counts', 'mailboxes.messages'] as const)
        forget(name, { path })
      forget('mailboxes.list', {})
    })
  const redriveButton = may('mailboxes.redrive') && (
    <Button small look="soft" aria-disabled={busy} onClick={redrive}>
      Deliver again
    </Button>
  )
  return (
    <RestoreFocus>
      {error && <ErrorNotice error={error} />}
      <MessageCard
        message={message}
        mailbox={mailbox}
        title={`${visible(type)} from ${visible(from)} · ${when(diedAt)} · ${visible(reason)}`}
        beside={redriveButton}
        isOpened={isOpened}
      />
    </RestoreFocus>
  )
}
