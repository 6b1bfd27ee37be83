import { useEffect, useState } from 'react'
import { count, inShort, lasting, money, when } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Select, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import type { RunState, Step, StepState } from '../run-state.ts'
import { visible } from '../visible.ts'
import { StepCalls } from './step-calls.tsx'

/** More at once would cost the page more than they tell. */
const perPage = 100
/** Among so many one is seen. */
const few = 20
const every = 'all'
const states: readonly StepState[] = ['working', 'waiting', 'failed', 'stopped', 'done']

export function Timeline({ run, state }: { readonly run: string; readonly state: RunState }) {
  const [shown, setShown] = useState(perPage)
  const [only, setOnly] = useState<string>(every)
  const all = [...state.steps.values()]
  if (all.length === 0) return <Nothing>No step has begun.</Nothing>
  const from = all[0]?.began ?? 0
  const isOpen = all.some(({ ended }) => ended === undefined)
  const until = all.reduce(
    (latest, { began, ended }) => Math.max(latest, ended ?? began),
    isOpen ? Date.now() : from + 1,
  )
  const steps = only === every ? all : all.filter((step) => step.state === only)
  return (
    <>
      {all.length > few && (
        <Flex mb="2">
          <Select
            label="Steps that are"
            value={only}
            onChoose={setOnly}
            options={[every, ...states].map((one) => ({
              value: one,
              label: `${one} · ${count(one === every ? all.length : all.filter((step) => step.state === one).length)}`,
            }))}
          />
        </Flex>
      )}
      {steps.length === 0 && <Nothing>No step is like that.</Nothing>}
      <ol className="timeline">
        {steps.slice(0, shown).map((step) => (
          <StepRow key={step.id} run={run} step={step} from={from} span={until - from} />
        ))}
      </ol>
      {steps.length > shown && (
        <Button look="soft" onClick={() => setShown(shown + perPage)}>
          Show more of {count(steps.length)}
        </Button>
      )}
    </>
  )
}

interface StepRowProps {
  readonly run: string
  readonly step: Step
  /** ms at which the first one began, and how long they took together. */
  readonly from: number
  readonly span: number
}

function StepRow({ run, step, from, span }: StepRowProps) {
  const [open, setOpen] = useState(false)
  const { agent, state, began, attempt, ended, waits, tokens, cost, error } = step
  const waitedMs = waits.reduce((sum, { from: at, to = at }) => sum + to - at, 0)
  const left = ((began - from) / span) * 100
  const wide = Math.max(0.5, (((ended ?? from + span) - began) / span) * 100)
  return (
    <li>
      <details className="step" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <span className="step-agent" style={{ paddingInlineStart: `${Math.min(step.depth, 6) * 0.75}rem` }}>
            {agent}
          </span>
          <Status status={state} reason={attempt > 1 ? `attempt ${count(attempt)}` : undefined} />
          <span className="step-bar" aria-hidden="true">
            <span
              className={`bar bar-${state}`}
              style={{ marginInlineStart: `${left}%`, width: `${Math.min(wide, 100 - left)}%` }}
            />
            {waits.map(({ from: at, to = from + span }) => (
              <span
                key={at}
                className="wait"
                style={{ insetInlineStart: `${((at - from) / span) * 100}%`, width: `${((to - at) / span) * 100}%` }}
              />
            ))}
          </span>
          <Text size="small" color="gray" className="step-time">
            {ended === undefined ? <Elapsed since={began} /> : lasting(ended - began)}
          </Text>
        </summary>
        <div className="step-detail">
          <Text as="p" color="gray">
            {step.id} · branch {step.branch} · {when(began)}
            {attempt > 1 && ` · attempt ${count(attempt)}`}
            {waitedMs > 0 && ` · waited ${lasting(waitedMs)}`}
            {tokens > 0 && ` · ${count(tokens)} tokens · ${money(cost)}`}
          </Text>
          {error !== undefined && <Text as="p">{visible(error)}</Text>}
          <Part name="Input" value={step.input} of={step} />
          {open && (
            <>
              <Text as="p" bold mt="2" mb="1">
                Calls of models, tools and effects
              </Text>
              <StepCalls run={run} step={step} />
            </>
          )}
          <Part name="Outcome" value={plainOf(step.output)} of={step} />
        </div>
      </details>
    </li>
  )
}

/** How long a step has been at work or has waited, by the clock of the browser. */
function Elapsed({ since }: { readonly since: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return lasting(Math.max(0, Math.floor((now - since) / 1_000) * 1_000))
}

/** A plain value is shown as itself. */
const plainOf = (outcome: unknown): unknown => {
  const { kind, value } = (outcome ?? {}) as { readonly kind?: unknown; readonly value?: unknown }
  return kind === 'value' ? value : outcome
}

function Part({ name, value, of: { agent } }: { readonly name: string; readonly value: unknown; readonly of: Step }) {
  if (value === undefined) return null
  return (
    <Flex direction="column" gap="1" mt="2">
      <Text bold>{name}</Text>
      <Value value={value} label={`${name} of ${agent}: ${inShort(value, 40)}`} />
    </Flex>
  )
}
