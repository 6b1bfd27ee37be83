/** The steps of a run over time. The step that is opened shows its waits and its calls, and the inspector what was chosen. */
import { type KeyboardEvent, type ReactNode, useState } from 'react'
import type { Call } from '../api/shapes.ts'
import { count, lasting, money } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { Elapsed } from '../parts/elapsed.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Select } from '../parts/ui.tsx'
import { type RunSearch, runRoute, stepStates } from '../routes.ts'
import type { RunState, Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { RunInspector } from './run-inspector.tsx'
import {
  callStatus,
  callTitle,
  durationOf,
  modelAnswer,
  type Span,
  spanOf,
  useStepCalls,
  waitId,
} from './step-calls.ts'

/** More at once would cost the page more than they tell. */
const perPage = 100
/** Among so many one is seen. */
const few = 20
const every = 'all'

export function Timeline({ run, state }: { readonly run: string; readonly state: RunState }) {
  const [shown, setShown] = useState(perPage)
  const { step: opened, call, state: only } = runRoute.useSearch()
  const navigate = runRoute.useNavigate()
  const show = (changed: RunSearch) => void navigate({ search: (search) => ({ ...search, ...changed }) })
  const all = [...state.steps.values()]
  const step = state.steps.get(opened ?? '')
  const calls = useStepCalls(run, step)
  if (all.length === 0) return <Nothing>No step has begun. Each step appears here when it starts.</Nothing>
  const from = all[0]?.began ?? 0
  const isOpen = all.some(({ ended }) => ended === undefined)
  const until = all.reduce(
    (latest, { began, ended }) => Math.max(latest, ended ?? began),
    isOpen ? Date.now() : from + 1,
  )
  const retries = retriesOf(all)
  const retried = new Set([...retries.values()].map(({ id }) => id))
  const hasBranches = all.some(({ branch }) => branch !== all[0]?.branch)
  const steps = only === undefined ? all : all.filter((one) => one.state === only)
  const listed = steps.slice(0, shown)
  const open = (id: string, chosen?: string) => show({ step: id, call: chosen })
  const close = () => show({ step: undefined, call: undefined })
  return (
    <>
      {all.length > few && (
        <Flex mb="2">
          <Select
            label="Steps that are"
            value={only ?? every}
            onChoose={(one) => show({ state: one === every ? undefined : one })}
            options={([every, ...stepStates] as const).map((one) => ({
              value: one,
              label: `${one} · ${count(one === every ? all.length : all.filter((each) => each.state === one).length)}`,
            }))}
          />
        </Flex>
      )}
      {steps.length === 0 && <Nothing>No step is like that. Choose another state.</Nothing>}
      <div className={step ? 'split' : undefined}>
        <div>
          <div className="timeline" role="tree" aria-label="Steps" onKeyDown={(event) => moveFocus(event, close)}>
            {listed.map((one, i) => (
              <StepRows
                key={one.id}
                step={one}
                isFirst={step === undefined || !listed.includes(step) ? i === 0 : false}
                calls={one === step ? (calls.data?.calls ?? []) : undefined}
                chosen={one === step ? (call ?? '') : undefined}
                open={open}
                retryOf={retries.get(one.id)}
                isRetried={retried.has(one.id)}
                namesBranch={hasBranches}
                axis={{ from, span: until - from }}
              />
            ))}
          </div>
          {steps.length > shown && (
            <Button look="soft" mt="2" onClick={() => setShown(shown + perPage)}>
              Show more of {count(steps.length)}
            </Button>
          )}
        </div>
        {step && <RunInspector run={run} step={step} state={state} calls={calls} chosen={call} show={show} />}
      </div>
    </>
  )
}

/** Returns the attempt that failed before each retry, by the id of the retry. */
function retriesOf(steps: readonly Step[]): ReadonlyMap<string, Step> {
  const latest = new Map<string, Step>()
  const retries = new Map<string, Step>()
  for (const step of steps) {
    const before = latest.get(step.branch)
    if (before && step.attempt > 1 && before.attempt === step.attempt - 1) retries.set(step.id, before)
    latest.set(step.branch, step)
  }
  return retries
}

/**
 * A tree has one tab stop: up and down move within it, Enter or Space opens the row, right unfolds a step, and left folds it
 * or goes from a call to its step.
 */
function moveFocus(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  const { key, currentTarget } = event
  const rows = [...currentTarget.querySelectorAll<HTMLElement>('[role=treeitem]')]
  const at = rows.indexOf(document.activeElement as HTMLElement)
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: rows.length - 1,
  }
  const row = rows[targets[key] ?? -1]
  const focused = rows[at]
  const isStep = focused?.hasAttribute('aria-expanded')
  const isUnfolded = focused?.ariaExpanded === 'true'
  if (key === 'Enter' || key === ' ' || (key === 'ArrowRight' && isStep && !isUnfolded)) focused?.click()
  else if (key === 'ArrowLeft' && isUnfolded) close()
  else if (key === 'ArrowLeft' && !isStep)
    rows
      .slice(0, Math.max(at, 0))
      .findLast((one) => one.hasAttribute('aria-expanded'))
      ?.focus()
  else if (row) row.focus()
  else return
  event.preventDefault()
}

/** The axis of the bars: ms at which the first step began, and how long all took together. */
interface Axis {
  readonly from: number
  readonly span: number
}

interface StepRowsProps {
  readonly step: Step
  /** The attempt that failed before this one. */
  readonly retryOf: Step | undefined
  /** True if another attempt followed. */
  readonly isRetried: boolean
  /** Tells steps of the same agent in parallel branches apart. */
  readonly namesBranch: boolean
  readonly isFirst: boolean
  /** Of the step that is opened. */
  readonly calls: readonly Call[] | undefined
  /** What of the opened step is chosen: a call, a wait, or the step itself where it is empty. */
  readonly chosen: string | undefined
  readonly open: (step: string, chosen?: string) => void
  readonly axis: Axis
}

function StepRows({ step, retryOf, isRetried, namesBranch, isFirst, calls, chosen, open, axis }: StepRowsProps) {
  const { agent, branch, state, began, attempt, ended, waits, tokens, cost, depth } = step
  const level = Math.min(depth, 6)
  return (
    <>
      <Row
        level={level + 1}
        isExpanded={calls !== undefined}
        isChosen={chosen === ''}
        isTabStop={isFirst}
        open={() => open(step.id)}
      >
        <span className="step-agent">
          {visible(agent)}{' '}
          {namesBranch && (
            <span className="step-branch" title={`Branch ${branch}`}>
              {branch}
            </span>
          )}
        </span>
        <Status status={state} reason={attempt > 1 || isRetried ? `attempt ${count(attempt)}` : undefined} />
        <span className="step-bar" aria-hidden="true">
          <Bar axis={axis} look={`bar bar-${state}`} start={began} end={ended} />
          {waits.map((wait) => (
            <Bar key={wait.from} axis={axis} look="wait" start={wait.from} end={wait.to} />
          ))}
          {retryOf?.ended !== undefined && <Bar axis={axis} look="wait" start={retryOf.ended} end={began} />}
        </span>
        <span className="step-time">{ended === undefined ? <Elapsed since={began} /> : lasting(ended - began)}</span>
        <span className="step-cost">{tokens > 0 && `${count(tokens)} tokens`}</span>
        <span className="step-cost">{tokens > 0 && money(cost)}</span>
      </Row>
      {calls?.map((call) => (
        <Row key={call.call} level={level + 2} isChosen={chosen === call.call} open={() => open(step.id, call.call)}>
          <CallCells call={call} axis={axis} {...spanOf(call, calls, step)} />
        </Row>
      ))}
      {calls !== undefined &&
        waits.map((wait, i) => (
          <Row key={wait.from} level={level + 2} isChosen={chosen === waitId(i)} open={() => open(step.id, waitId(i))}>
            <span className="step-agent">wait</span>
            <Status status={wait.to === undefined ? 'waiting' : 'done'} />
            <span className="step-bar" aria-hidden="true">
              <Bar axis={axis} look="wait" start={wait.from} end={wait.to} />
            </span>
            <span className="step-time">
              {wait.to === undefined ? <Elapsed since={wait.from} /> : lasting(wait.to - wait.from)}
            </span>
          </Row>
        ))}
    </>
  )
}

function CallCells({ call, axis, start, end }: { readonly call: Call; readonly axis: Axis } & Span) {
  const { usage, cost } = modelAnswer(call)
  const { status, reason } = callStatus(call)
  const { attempts } = call
  return (
    <>
      <span className="step-agent">{visible(callTitle(call))}</span>
      <Status status={status} reason={reason ?? (attempts === undefined ? undefined : `${count(attempts)} attempts`)} />
      <span className="step-bar" aria-hidden="true">
        <Bar axis={axis} look={`bar bar-${status}`} start={start} end={end} />
      </span>
      <span className="step-time">{durationOf(call)}</span>
      <span className="step-cost">{usage && `${count(usage.inputTokens + usage.outputTokens)} tokens`}</span>
      <span className="step-cost">{cost !== undefined && money(cost)}</span>
    </>
  )
}

interface BarProps extends Span {
  readonly axis: Axis
  readonly look: string
}

/** A bar without an end reaches to the end of the axis. */
function Bar({ axis: { from, span }, look, start, end = from + span }: BarProps) {
  const left = Math.min(Math.max(0, ((start - from) / span) * 100), 99.5)
  const wide = Math.max(0.5, ((end - start) / span) * 100)
  return <span className={look} style={{ insetInlineStart: `${left}%`, width: `${Math.min(wide, 100 - left)}%` }} />
}

interface RowProps {
  readonly level: number
  readonly isExpanded?: boolean
  readonly isChosen: boolean
  /** Whether Tab stops at the row though it is not chosen. */
  readonly isTabStop?: boolean
  readonly open: () => void
  readonly children: ReactNode
}

function Row({ level, isExpanded, isChosen, isTabStop = false, open, children }: RowProps) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys of all rows
    <div
      role="treeitem"
      className="step"
      aria-level={level}
      aria-expanded={isExpanded}
      aria-selected={isChosen}
      tabIndex={isChosen || isTabStop ? 0 : -1}
      style={{ paddingInlineStart: `${0.25 + (level - 1) * 0.75}rem` }}
      onClick={open}
    >
      {children}
    </div>
  )
}
