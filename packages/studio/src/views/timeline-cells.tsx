/** The cells of a row of the timeline: a step, one of its calls or one of its waits, with its bar. */
import type { Call } from '../api/shapes.ts'
import { count, lasting, money } from '../format.ts'
import { Elapsed } from '../parts/elapsed.tsx'
import { Status } from '../parts/status.tsx'
import type { Step, Wait } from '../run-state.ts'
import { visible } from '../visible.ts'
import { callStatus, callTitle, durationOf, modelAnswer, type Span, spanOf } from './step-calls.ts'
import type { Axis } from './timeline-axis.ts'

/** The notes of a row on its step. */
export interface StepNotes {
  /** The attempt that failed before this one. */
  readonly retryOf: Step | undefined
  /** True if another attempt followed. */
  readonly isRetried: boolean
  /** Tells steps of the same agent in parallel branches apart. */
  readonly namesBranch: boolean
}

interface StepCellsProps extends StepNotes {
  readonly step: Step
  readonly axis: Axis
}

export function StepCells({ step, retryOf, isRetried, namesBranch, axis }: StepCellsProps) {
  const { agent, branch, state, began, attempt, ended, waits, tokens, cost } = step
  return (
    <>
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
    </>
  )
}

interface CallCellsProps {
  readonly call: Call
  /** The calls of the step. */
  readonly calls: readonly Call[]
  readonly step: Step
  readonly axis: Axis
}

export function CallCells({ call, calls, step, axis }: CallCellsProps) {
  const { start, end } = spanOf(call, calls, step)
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

export function WaitCells({ wait: { from, to }, axis }: { readonly wait: Wait; readonly axis: Axis }) {
  return (
    <>
      <span className="step-agent">wait</span>
      <Status status={to === undefined ? 'waiting' : 'done'} />
      <span className="step-bar" aria-hidden="true">
        <Bar axis={axis} look="wait" start={from} end={to} />
      </span>
      <span className="step-time">{to === undefined ? <Elapsed since={from} /> : lasting(to - from)}</span>
    </>
  )
}

interface BarProps extends Span {
  readonly axis: Axis
  readonly look: string
}

/** A bar without an end reaches to the end of the axis. */
function Bar({ axis, look, start, end }: BarProps) {
  const left = Math.min(axis.at(start) * 100, 99.5)
  const right = end === undefined ? 100 : axis.at(end) * 100
  const wide = Math.min(Math.max(0.5, right - left), 100 - left)
  return <span className={look} style={{ insetInlineStart: `${left}%`, width: `${wide}%` }} />
}
