/** Shows a run at one of its events, from the journals: context, mailboxes and prompts as they were. */
import { useState } from 'react'
import type { AnswerOf } from 'troupe/client'
import type { RunEvent } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, inShort } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { Text } from '../parts/ui.tsx'
import { useLater } from '../parts/use-later.ts'
import { pastEntries } from '../past-entries.ts'
import { pastMailboxes } from '../past-mailboxes.ts'
import type { RunState, Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { ContextTable, MailboxTables } from './past-tables.tsx'
import { SentPromptOf } from './sent-prompt.tsx'
import { callTitle, useStepCalls } from './step-calls.ts'

interface PastDataProps {
  readonly run: string
  readonly events: readonly RunEvent[]
  /** The event, and its time in ms since 1970. */
  readonly seq: number
  readonly at: number
  /** The run as it was at the event. */
  readonly state: RunState
}

/** ms for which the slider rests before the server is asked. */
const restMs = 200

export function PastData({ run, events, seq, at, state }: PastDataProps) {
  const asked = useLater(seq, restMs)
  const past = useAnswer('runs.at', { path: { run, seq: asked } })
  const may = useMay()
  // The rows stay while the server is asked, so that a value that is open changes in place.
  const [latest, setLatest] = useState(past.data)
  if (past.data !== undefined && past.data !== latest) setLatest(past.data)
  const shown = past.data ?? (latest?.run === run ? latest : undefined)
  return (
    <>
      <Answer of={past.error || shown === undefined ? past : ({ ...past, data: shown } as typeof past)}>
        {(view) => <StateAtEvent view={view} events={events} state={state} />}
      </Answer>
      {may('runs.prompts') && state.steps.size > 0 && <PastPrompts run={run} at={at} state={state} />}
    </>
  )
}

interface StateAtEventProps {
  readonly view: AnswerOf<'runs.at'>
  readonly events: readonly RunEvent[]
  readonly state: RunState
}

const isoOf = (at: number) => new Date(at).toISOString()

function StateAtEvent({ view, events, state }: StateAtEventProps) {
  const { run, seq, status, reason, usage, questions } = view
  const since = isoOf(events.findLast((event) => event.seq < seq)?.at ?? 0)
  const entries = pastEntries(view.context, { since, startOf: (step) => isoOf(state.steps.get(step)?.began ?? 0) })
  const mailboxes = pastMailboxes(view.messages, state.steps, since)
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
      <Section title="Context" note={entries.length > 0 && count(entries.length)}>
        <Text as="p" size="small" color="gray" mb="2">
          These are the keys that steps of this run had read or written until event {count(seq)}. Their journals record
          no other keys. A change between two events is shown at the later one.
        </Text>
        {entries.length === 0 ? (
          <Nothing>Until here no step has read or written an entry.</Nothing>
        ) : (
          <ContextTable run={run} seq={seq} entries={entries} />
        )}
      </Section>
      <Section title="Mailboxes" note={mailboxes.length > 0 && count(mailboxes.length)}>
        {mailboxes.length === 0 ? (
          <Nothing>Until here no step has sent a message.</Nothing>
        ) : (
          <MailboxTables run={run} mailboxes={mailboxes} />
        )}
      </Section>
    </>
  )
}

/** The newest steps until the event whose prompts are shown. */
const maxSteps = 20

function PastPrompts({ run, at, state }: Omit<PastDataProps, 'seq' | 'events'>) {
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
