/** What was chosen in the timeline, beside it: a step, one of its calls or one of its waits, with all that is recorded of it. */
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Call } from '../api/shapes.ts'
import { useMay } from '../api/use-may.ts'
import { count, inShort, lasting, money, when } from '../format.ts'
import { Answer, Nothing } from '../parts/answer.tsx'
import { CopyButton, CopyLink } from '../parts/copy-link.tsx'
import { Elapsed } from '../parts/elapsed.tsx'
import { Facts } from '../parts/facts.tsx'
import { useRestoredFocus } from '../parts/restore-focus.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Heading, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { WithCode } from '../parts/with-code.tsx'
import type { RunSearch } from '../routes.ts'
import type { RunState, Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { SentPromptOf } from './sent-prompt.tsx'
import {
  answerText,
  argumentsOf,
  callStatus,
  callTitle,
  durationOf,
  modelAnswer,
  plainOf,
  reasoningOf,
  type StepCalls,
  waitId,
} from './step-calls.ts'
import { StepData } from './step-data.tsx'
import { useLiveSteps } from './use-live-steps.ts'

interface InspectorProps {
  readonly run: string
  readonly step: Step
  readonly state: RunState
  readonly calls: StepCalls
  /** The call or the wait; the step itself where it is undefined. */
  readonly chosen: string | undefined
  readonly show: (changed: RunSearch) => void
}

export function RunInspector({ run, step, state, calls, chosen, show }: InspectorProps) {
  const panel = useRef<HTMLElement>(null)
  const all = calls.data?.calls ?? []
  const call = all.find((one) => one.call === chosen)
  const wait = step.waits.findIndex((_, i) => waitId(i) === chosen)
  const targets = [undefined, ...all.map((one) => one.call), ...step.waits.map((_, i) => waitId(i))]
  const at = targets.indexOf(chosen)
  const go = (by: 1 | -1) => show({ call: targets[at + by] })
  const title = call ? callTitle(call) : wait >= 0 ? `wait ${count(wait + 1)}` : step.agent
  useRestoredFocus(panel, () => document.querySelector<HTMLElement>('[role=treeitem][aria-expanded=true]'))
  // On a phone the panel stands below the timeline.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice is looked at from its beginning
  useEffect(() => {
    panel.current?.scrollTo(0, 0)
    panel.current?.scrollIntoView({ block: 'nearest' })
  }, [step.id, chosen])
  return (
    <aside
      className="inspector"
      aria-label={`Details of ${visible(title)}`}
      aria-keyshortcuts="i"
      ref={panel}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keyboard
      tabIndex={0}
    >
      <Flex align="center" justify="between" gap="2" mb="2">
        <Heading as="h2" className="break">
          {visible(title)}
        </Heading>
        <Flex gap="1">
          <Button
            small
            look="soft"
            aria-label="Previous"
            aria-keyshortcuts="["
            disabled={at <= 0}
            onClick={() => go(-1)}
          >
            ‹
          </Button>
          <Button
            small
            look="soft"
            aria-label="Next"
            aria-keyshortcuts="]"
            disabled={at < 0 || at >= targets.length - 1}
            onClick={() => go(1)}
          >
            ›
          </Button>
          <CopyLink />
          <Button
            small
            look="soft"
            aria-label="Close"
            aria-keyshortcuts="Escape"
            onClick={() => show({ step: undefined, call: undefined })}
          >
            ✕
          </Button>
        </Flex>
      </Flex>
      {call ? (
        <OneCall key={call.call} call={call} args={argumentsOf(call, all)} of={step} run={run} />
      ) : wait >= 0 ? (
        <OneWait step={step} index={wait} />
      ) : chosen === undefined ? (
        <OneStep run={run} step={step} state={state} calls={calls} show={show} />
      ) : (
        <Answer of={calls}>{() => <Nothing>This step has no such call.</Nothing>}</Answer>
      )}
    </aside>
  )
}

function OneStep({ run, step, state, calls, show }: Omit<InspectorProps, 'chosen'>) {
  const { id, agent, branch, node, attempt, began, ended, waits, tokens, cost, error } = step
  const waitedMs = waits.reduce((sum, { from: at, to = at }) => sum + to - at, 0)
  const siblings = [...state.steps.values()].filter((one) => one.branch === branch && one.id !== id)
  return (
    <>
      <Facts
        facts={[
          ['Status', <Status key="status" status={step.state} />],
          ['Step', <Id key="step" of="the step" id={id} />],
          ['Branch', branch],
          ['Node', node !== agent && visible(node)],
          ['Attempt', attempt > 1 && count(attempt)],
          ['Started', when(began)],
          ['Duration', ended === undefined ? <Elapsed key="duration" since={began} /> : lasting(ended - began)],
          ['Waited', waitedMs > 0 && lasting(waitedMs)],
          ['Tokens', tokens > 0 && count(tokens)],
          ['Cost', tokens > 0 && money(cost)],
        ]}
      />
      {error !== undefined && (
        <Text as="p" color="red" mb="2" className="break">
          {visible(error)}
        </Text>
      )}
      <Part name="Input" value={step.input} label={`Input of ${agent}: ${inShort(step.input, 40)}`} />
      <Part
        name="Outcome"
        value={plainOf(step.output)}
        label={`Outcome of ${agent}: ${inShort(plainOf(step.output), 40)}`}
      />
      {step.state === 'working' && <ArrivingAnswer run={run} step={step} />}
      <Named name="Calls">
        <Answer
          of={calls}
          none={{ when: (answer) => answer.calls.length === 0, text: 'It called nothing outside Troupe.' }}
        >
          {({ calls: all }) => (
            <ul className="plain">
              {all.map((call) => (
                <li key={call.call}>
                  <Button small look="soft" onClick={() => show({ call: call.call })}>
                    {visible(callTitle(call))}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Answer>
      </Named>
      <StepData key={id} run={run} step={id} seq={state.seq} />
      {siblings.length > 0 && (
        <Named name={`Other steps of branch ${branch}`}>
          <Flex gap="2" wrap="wrap">
            {siblings.slice(0, maxSiblings).map((one) => (
              <Button key={one.id} small look="soft" onClick={() => show({ step: one.id, call: undefined })}>
                {visible(one.agent)}, {one.id}
              </Button>
            ))}
          </Flex>
        </Named>
      )}
    </>
  )
}

/** The answer of the model of a step in progress: what arrived since the step was opened. */
function ArrivingAnswer({ run, step: { id, agent } }: { readonly run: string; readonly step: Step }) {
  const answer = useLiveSteps(run, { step: id, isOver: () => false }).get(id)
  if (!answer) return null
  return (
    <>
      <Part
        name="Reasoning as it arrives"
        value={answer.reasoning || undefined}
        label={`Reasoning of ${agent} as it arrives`}
      />
      <Part name="Answer as it arrives" value={answer.text || undefined} label={`Answer of ${agent} as it arrives`} />
    </>
  )
}

/** A branch can have as many steps as a run. */
const maxSiblings = 12

function OneWait({ step, index }: { readonly step: Step; readonly index: number }) {
  const wait = step.waits[index]
  if (!wait) return null
  return (
    <Facts
      facts={[
        ['Status', <Status key="status" status={wait.to === undefined ? 'waiting' : 'done'} />],
        ['Step', `${step.id} of ${visible(step.agent)}`],
        ['Since', when(wait.from)],
        ['Until', wait.to !== undefined && when(wait.to)],
        [
          'Duration',
          wait.to === undefined ? <Elapsed key="duration" since={wait.from} /> : lasting(wait.to - wait.from),
        ],
        ['For', visible(wait.question ?? wait.reason ?? '')],
      ]}
    />
  )
}

interface OneCallProps {
  readonly run: string
  readonly call: Call
  /** Undefined where the journal has none. */
  readonly args: unknown
  readonly of: Step
}

function OneCall({ run, call, args, of }: OneCallProps) {
  const { agent, id } = of
  const { kind, name, output, error, key, class: effectClass, taint = [] } = call
  const { startedAt, recordedAt, attempts } = call
  const may = useMay()
  const answer = modelAnswer(call)
  const { usage, cost, model, finish } = answer
  const label = `${kind} ${name} of ${agent}, ${id}: ${call.call}`
  return (
    <>
      <Facts
        facts={[
          ['Status', <Status key="status" {...callStatus(call)} />],
          ['Step', `${id} of ${visible(agent)}`],
          ['Call', <Id key="call" of="the call" id={call.call} />],
          ['Started', startedAt !== undefined && when(startedAt)],
          ['Recorded', recordedAt !== undefined && when(recordedAt)],
          ['Duration', durationOf(call)],
          ['Attempts', attempts !== undefined && count(attempts)],
          ['Model', model],
          ['Cut off', finish === 'length' && 'at the maximum number of tokens'],
          ['Tokens in', usage && count(usage.inputTokens)],
          ['From the cache', usage?.cacheReadTokens && count(usage.cacheReadTokens)],
          ['Tokens out', usage && count(usage.outputTokens)],
          ['Cost', kind === 'model' && output !== undefined && (cost === undefined ? 'price unknown' : money(cost))],
          ['Effect class', kind !== 'model' && effectClass],
          ['Idempotency key', key !== undefined && <Id key="key" of="the idempotency key" id={key} />],
          ['Taint', taint.length > 0 && visible(taint.join(', '))],
        ]}
      />
      {error && (
        <Text as="p" color="red" mb="2" className="break">
          {visible(error.message)} {error.hint !== undefined && <WithCode text={error.hint} />}
        </Text>
      )}
      <Part name="Arguments" value={args} label={`Arguments of ${label}`} />
      <Part name="Reasoning" value={reasoningOf(answer)} label={`Reasoning of ${label}`} />
      {kind === 'model' && call.state === 'claimed' && <ArrivingAnswer run={run} step={of} />}
      <Part
        name={kind === 'model' ? 'Response' : 'Result'}
        value={kind === 'model' && output !== undefined ? answerText(answer) : output}
        label={label}
      />
      {kind === 'model' && may('runs.evaluate') && (
        <Text as="p" mt="2">
          <Link to="/playground" search={{ run }}>
            Run again with other instructions or another model
          </Link>
        </Text>
      )}
      {kind === 'tool' && may('runs.callTool') && (
        <Text as="p" mt="2">
          <Link to="/playground" search={{ tab: 'call', run, step: id, call: call.call }}>
            Execute this call with other arguments
          </Link>
        </Text>
      )}
      {kind === 'model' && may('runs.prompts') && (
        <Named name="Prompt as sent">
          <SentPromptOf run={run} step={id} call={call.call} label={`model call ${name} of ${agent}, ${id}`} />
        </Named>
      )}
    </>
  )
}

function Id({ of, id }: { readonly of: string; readonly id: string }) {
  return (
    <Flex gap="2" align="center">
      <code className="break">{visible(id)}</code>
      <CopyButton label="Copy" of={of} keys="c" text={() => id} />
    </Flex>
  )
}

function Named({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <Flex direction="column" gap="1" mt="3">
      <Text bold>{name}</Text>
      {children}
    </Flex>
  )
}

function Part({ name, value, label }: { readonly name: string; readonly value: unknown; readonly label: string }) {
  if (value === undefined) return null
  return (
    <Named name={name}>
      <Value value={value} label={label} />
    </Named>
  )
}
