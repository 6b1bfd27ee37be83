/** The tables of Time: a row for each key of the context, and for each message of a mailbox. */
import { Link } from '@tanstack/react-router'
import { asText, count, inShort } from '../format.ts'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { EntryLink, StepLink } from '../parts/sources.tsx'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import type { PastEntry, StepOfAgent } from '../past-entries.ts'
import type { PastMailbox, PastMessage } from '../past-mailboxes.ts'
import { visible } from '../visible.ts'
import { MailboxLink } from './step-data.tsx'

interface ContextTableProps {
  readonly run: string
  readonly seq: number
  readonly entries: readonly PastEntry[]
}

export function ContextTable({ run, seq, entries }: ContextTableProps) {
  return (
    <DataTable
      columns={[
        {
          header: 'Key',
          cell: fromRow(({ key, change }) => (
            <>
              <EntryLink entry={key} /> {change && <Change word={change} />}
            </>
          )),
          meta: { breaks: true },
        },
        { header: 'Value', cell: fromRow((entry) => <EntryValue entry={entry} seq={seq} />), meta: { breaks: true } },
        { header: 'Last access', cell: fromRow((entry) => <LastAccess run={run} entry={entry} />) },
      ]}
      rows={entries}
      rowKey={({ key }) => key}
    />
  )
}

/** Says how the shown event changed the row. */
function Change({ word }: { readonly word: string }) {
  return <span className="chip live">{word}</span>
}

function EntryValue({ entry, seq }: { readonly entry: PastEntry; readonly seq: number }) {
  const { key, status, value } = entry
  if (status === 'deleted') return <Text color="gray">deleted</Text>
  if (status === 'missing') return <Text color="gray">no entry</Text>
  if (value === undefined) return <Text color="gray">not stored any more</Text>
  return <Shortened value={value} label={`Value of ${key} at event ${seq}`} />
}

/** Characters of a value that stand in its row; a longer one opens. */
const maxShort = 80

function Shortened({ value, label }: { readonly value: unknown; readonly label: string }) {
  const short = inShort(value, maxShort)
  if (short === visible(asText(value))) return short
  return (
    <details className="disclosure">
      <summary>{short}</summary>
      <Value value={value} label={label} />
    </details>
  )
}

function LastAccess({
  run,
  entry: { version, writer, reader, status },
}: {
  readonly run: string
  readonly entry: PastEntry
}) {
  const by = (did: string, { agent, step }: StepOfAgent) => (
    <div>
      {did} by {visible(agent)}, <StepLink run={run} step={step} />
    </div>
  )
  return (
    <>
      {version !== undefined && <div>version {count(version)}</div>}
      {writer && by(status === 'deleted' ? 'deleted' : 'written', writer)}
      {reader && by('read', reader)}
    </>
  )
}

interface MailboxTablesProps {
  readonly run: string
  readonly mailboxes: readonly PastMailbox[]
}

export function MailboxTables({ run, mailboxes }: MailboxTablesProps) {
  return mailboxes.map(({ name, messages }) => (
    <section key={name} aria-label={`Mailbox ${visible(name)}`}>
      <Text as="p" my="2" className="break">
        {messages.some(({ id }) => id !== undefined) ? <MailboxLink mailbox={name} /> : visible(name)}{' '}
        <Text color="gray">{countsOf(messages)}</Text>
      </Text>
      <DataTable
        columns={[
          {
            header: 'Message',
            cell: fromRow(({ type, from, isNew }) => (
              <>
                {visible(type)} from {visible(from)} {isNew && <Change word="sent" />}
              </>
            )),
            meta: { breaks: true },
          },
          { header: 'State', cell: fromRow(({ status }) => <Status status={words[status] ?? status} />) },
          {
            header: 'Content',
            cell: fromRow((message) => <MessageContent mailbox={name} message={message} />),
            meta: { breaks: true },
          },
          { header: 'Step', cell: fromRow(({ step }) => <StepLink run={run} step={step} />) },
        ]}
        rows={messages}
        rowKey={(_, i) => i}
      />
    </section>
  ))
}

function countsOf(messages: readonly PastMessage[]): string {
  const waiting = messages.filter(({ status }) => status === 'waiting').length
  return `${count(waiting)} waiting, ${count(messages.length - waiting)} not waiting`
}

/** The words of states that a reader would not know. */
const words: Partial<Record<PastMessage['status'], string>> = {
  'dead-lettered': 'dead letter',
  unknown: 'not stored any more',
}

function MessageContent({
  mailbox,
  message: { id, type, from, payload },
}: {
  readonly mailbox: string
  readonly message: PastMessage
}) {
  // The payload of a message stands in its mailbox alone.
  if (id === undefined) return <Shortened value={payload} label={`Payload of ${type} from ${from}`} />
  return (
    <Link to="/messages/$mailbox" params={{ mailbox }} search={{ message: id }}>
      Open in Messages
    </Link>
  )
}
