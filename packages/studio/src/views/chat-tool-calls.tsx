/** The tool calls of a run, in the card of its answer: name and state of each, arguments and result when it is opened. */
import { Link } from '@tanstack/react-router'
import type { Call } from '../api/shapes.ts'
import { inShort } from '../format.ts'
import { Status } from '../parts/status.tsx'
import { Text } from '../parts/ui.tsx'
import { useRun } from '../parts/use-run.ts'
import { Value } from '../parts/value.tsx'
import type { Step } from '../run-state.ts'
import { visible } from '../visible.ts'
import { argumentsOf, callStatus, useStepCalls } from './step-calls.ts'
import type { LiveCall, LiveStep } from './use-live-steps.ts'

/** The newest steps whose calls are shown; the page of the run has all. */
const maxSteps = 20

interface ChatToolCallsProps {
  readonly run: string
  readonly isWaiting: boolean
  readonly live: ReadonlyMap<string, LiveStep>
}

export function ChatToolCalls({ run, isWaiting, live }: ChatToolCallsProps) {
  const { state } = useRun(run, isWaiting)
  const steps = [...state.steps.values()].slice(-maxSteps)
  return steps.map((step) => <CallsOfStep key={step.id} run={run} step={step} live={live.get(step.id)?.calls ?? []} />)
}

interface CallsOfStepProps {
  readonly run: string
  readonly step: Step
  readonly live: readonly LiveCall[]
}

function CallsOfStep({ run, step, live }: CallsOfStepProps) {
  const { data } = useStepCalls(run, step)
  const calls = data?.calls ?? []
  const recorded = calls.filter(({ kind }) => kind === 'tool')
  // Calls are recorded in the order in which they began. A step that has ended has recorded all of them.
  const arriving = step.ended === undefined ? live.slice(recorded.length) : []
  if (recorded.length + arriving.length === 0) return null
  return (
    <ul className="plain" aria-label={`Tool calls of ${visible(step.agent)}`}>
      {recorded.map((call) => (
        <li key={call.call}>
          <ToolCallEntry run={run} step={step} call={call} args={argumentsOf(call, calls)} />
        </li>
      ))}
      {arriving.map(({ id, tool, args, success }) => (
        <li key={id}>
          <ToolCallEntry
            run={run}
            step={step}
            call={{ name: tool, state: success === undefined ? 'claimed' : success ? 'done' : 'failed' }}
            args={args}
          />
        </li>
      ))}
    </ul>
  )
}

interface ToolCallEntryProps {
  readonly run: string
  readonly step: Step
  /** One that is not recorded yet has no id. */
  readonly call: Pick<Call, 'name' | 'state'> & Partial<Call>
  /** Undefined where the journal has none. */
  readonly args: unknown
}

function ToolCallEntry({ run, step: { id, agent }, call, args }: ToolCallEntryProps) {
  const { name, output, error } = call
  const label = `${name} of ${agent}, ${call.call ?? id}`
  return (
    <details className="disclosure">
      <summary>
        <Text bold>{visible(name)}</Text> <Status {...callStatus(call)} />{' '}
        {args !== undefined && (
          <Text size="small" color="gray">
            {inShort(JSON.stringify(args), 60)}
          </Text>
        )}
      </summary>
      {args !== undefined && <Value value={args} label={`Arguments of ${label}`} />}
      {output !== undefined && <Value value={output} label={`Result of ${label}`} />}
      {error && (
        <Text as="p" color="red" className="break">
          {visible(error.message)}
        </Text>
      )}
      <Text as="p" size="small" mt="1">
        <Link to="/runs/$run" params={{ run }} search={{ step: id, call: call.call }}>
          its step
        </Link>
      </Text>
    </details>
  )
}
