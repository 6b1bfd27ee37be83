/** Shows a run at one of its events, from the journals: context, mailboxes and prompts as they were. */
import { useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, inShort } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Text } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import type { RunState, Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { SentPromptOf } from './sent-prompt.tsx'
import { callTitle, useStepCalls } from './step-calls.ts'
import { MailboxLink } from './step-data.tsx'

interface PastDataProps {
  readonly run: string
  /** The event, and its time in ms since 1970. */
  readonly seq: number
  readonly at: number
  /** The run as it was at the event. */
  readonly state: RunState
}

/** ms for which the slider rests before the server is asked. */
const restMs = 200

export function PastData({ run, seq, at, state }: PastDataProps) {
  const asked = useLater(seq, restMs)
  const past = useAnswer('runs.at', { path: { run, seq: asked } })
  const may = useMay()
  return (
    <>
      <Answer of={past}>{(view) => <Accesses view={view} />}</Answer>
      {may('runs.prompts') && state.steps.size > 0 && <PastPrompts run={run} at={at} state={state} />}
    </>
  )
}

interface AccessRow {
  readonly agent: string
  readonly what: string
  /** A key, or the type of a message. */
  readonly name: string
  readonly value?: unknown
  /** The mailbox that received the message, and the id of the message. */
  readonly mailbox?: string
  readonly message?: string
}

function Accesses({
  view: { status, reason, usage, questions, context, messages },
}: {
  readonly view: AnswerOf<'runs.at'>
}) {
  const rows: readonly AccessRow[] = [
    ...context.reads.map(({ agent, key, value }) => ({ agent, what: 'read', name: key, value })),
    ...context.writes.map(({ agent, key, value, kind }) => ({
      agent,
      what: kind === 'delete' ? 'deleted' : 'wrote',
      name: key,
      value,
    })),
    ...messages.sent.map(({ id, from, to, type, payload }) => ({
      agent: from,
      what: `sent to ${to}`,
      name: type,
      value: payload,
      ...(id === undefined ? {} : { mailbox: to, message: id }),
    })),
    ...messages.received.map(({ from, to, type, payload }) => ({
      agent: to,
      what: `received from ${from}`,
      name: type,
      value: payload,
    })),
  ]
  return (
    <>
      <Text as="p" color="gray" my="2">
        {[
          `${status}${reason === undefined ? '' : `: ${reason}`}`,
          `${count(usage.inputTokens + usage.outputTokens)} tokens`,
          questions.length > 0 && `asks: ${questions.map(({ text }) => inShort(text, 60)).join(' · ')}`,
        ]
          .filter(Boolean)
          .join(' · ')}
      </Text>
      {rows.length === 0 ? (
        <Nothing>Until here no step has read, written, sent or received anything.</Nothing>
      ) : (
        <DataTable
          columns={[
            { header: 'Agent', cell: fromRow(({ agent }) => visible(agent)), meta: { breaks: true } },
            { header: 'Did', cell: fromRow(({ what }) => visible(what)) },
            { header: 'Key or message', cell: fromRow(({ name }) => visible(name)), meta: { breaks: true } },
            {
              header: 'Value',
              // The payload of a message stands in its mailbox alone.
              cell: fromRow(({ value, mailbox, message }) =>
                value !== undefined
                  ? inShort(value, 200)
                  : mailbox && <MailboxLink mailbox={mailbox} message={message} />,
              ),
              meta: { wideOnly: true, breaks: true },
            },
          ]}
          rows={rows}
          rowKey={(_, i) => i}
        />
      )}
    </>
  )
}

/** The newest steps until the event whose prompts are shown. */
const maxSteps = 20

function PastPrompts({ run, at, state }: Omit<PastDataProps, 'seq'>) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <details className="disclosure" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>Prompts until here</summary>
      {isOpen &&
        [...state.steps.values()]
          .slice(-maxSteps)
          .map((step) => <PromptsOfStep key={step.id} run={run} at={at} step={step} />)}
    </details>
  )
}

/** The prompts of the model calls that were recorded until the event. */
function PromptsOfStep({ run, at, step }: { readonly run: string; readonly at: number; readonly step: Step }) {
  const calls = useStepCalls(run, step)
  return (
    <Answer of={calls}>
      {({ calls: all }) => {
        // The last calls of a step are recorded with its end.
        const recorded = all.filter(
          ({ kind, recordedAt = '' }) => kind === 'model' && (step.ended !== undefined || Date.parse(recordedAt) <= at),
        )
        const { agent, id } = step
        if (recorded.length === 0)
          return (
            <Text as="p" color="gray">
              {visible(agent)}, {id}: no model call until here.
            </Text>
          )
        return recorded.map((call) => (
          <section key={call.call} aria-label={`Prompt of ${callTitle(call)} of ${visible(agent)}, ${id}`}>
            <Text as="p" bold mt="2">
              {visible(agent)}, {id}: {callTitle(call)}
            </Text>
            <SentPromptOf run={run} step={id} call={call.call} label={`${callTitle(call)} of ${agent}, ${id}`} />
          </section>
        ))
      }}
    </Answer>
  )
}
