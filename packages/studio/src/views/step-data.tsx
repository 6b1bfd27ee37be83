/** The entries and messages that one step has read, written, sent and received, with links to the entries and the mailboxes; loaded on request. */
import { Link } from '@tanstack/react-router'
import { Fragment, type ReactNode, useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { Answer } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { EntryLink } from '../parts/sources.tsx'
import { visible } from '../visible.ts'

interface StepDataProps {
  readonly run: string
  readonly step: string
  /** The last event of the run. */
  readonly seq: number
}

export function StepData({ run, step, seq }: StepDataProps) {
  const [isOpen, setIsOpen] = useState(false)
  const view = useAnswer('runs.at', { path: { run, seq }, enabled: isOpen })
  return (
    <details className="disclosure" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>Read, written and sent</summary>
      {isOpen && <Answer of={view}>{(found) => <Accesses view={found} step={step} />}</Answer>}
    </details>
  )
}

function Accesses({
  view: { context, messages },
  step,
}: {
  readonly view: AnswerOf<'runs.at'>
  readonly step: string
}) {
  const ofStep = <One extends { readonly step: string }>(all: readonly One[]) => all.filter((one) => one.step === step)
  const reads = ofStep(context.reads).map(({ key, version }) =>
    version === 0 ? `${visible(key)}, which was not there` : <EntryLink key={key} entry={key} version={version} />,
  )
  const writes = ofStep(context.writes).map(({ key, kind, version }) =>
    kind === 'delete' ? `${visible(key)}, deleted` : <EntryLink key={key} entry={key} version={version} />,
  )
  const sent = ofStep(messages.sent).map(({ id, type, to }) => (
    <Fragment key={id}>
      {visible(type)} to {id === undefined ? visible(to) : <MailboxLink mailbox={to} message={id} />}
    </Fragment>
  ))
  const received = ofStep(messages.received).map(({ type, from }) => `${visible(type)} from ${visible(from)}`)
  return (
    <Facts
      facts={[
        ['Read', <Lines key="read" of={reads} />],
        ['Written', <Lines key="written" of={writes} />],
        ['Sent', <Lines key="sent" of={sent} />],
        ['Received', <Lines key="received" of={received} />],
      ]}
    />
  )
}

interface MailboxLinkProps {
  readonly mailbox: string
  /** The id of the message that the mailbox then shows. */
  readonly message?: string | undefined
}

export function MailboxLink({ mailbox, message }: MailboxLinkProps) {
  return (
    <Link to="/messages/$mailbox" params={{ mailbox }} search={{ message }}>
      {visible(mailbox)}
    </Link>
  )
}

function Lines({ of }: { readonly of: readonly ReactNode[] }) {
  if (of.length === 0) return 'nothing'
  return (
    <ul className="lines">
      {of.map((one, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the accesses of a step never change their order
        <li key={i}>{one}</li>
      ))}
    </ul>
  )
}
