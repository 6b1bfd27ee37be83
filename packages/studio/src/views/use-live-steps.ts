/** Steps as their models stream. The journal holds an answer and its tool calls when they are committed. */
import { useState } from 'react'
import { useStream } from '../api/use-api.tsx'

export interface LiveCall {
  readonly id: string
  readonly tool: string
  readonly args: unknown
  /** Undefined while it is in progress. */
  readonly success: boolean | undefined
}

export interface LiveStep {
  /** The answer that arrives, or the last one. */
  readonly text: string
  readonly reasoning: string
  /** True after the answer has called a tool: the next text belongs to the next answer. */
  readonly isComplete: boolean
  /** The tool calls of all answers. */
  readonly calls: readonly LiveCall[]
}

interface LivePart {
  readonly type?: string
  readonly delta?: string
  readonly reasoning?: string
  readonly id?: string
  readonly tool?: string
  readonly args?: unknown
  readonly success?: boolean
}

const empty = { text: '', reasoning: '', isComplete: false }
const initial: LiveStep = { ...empty, calls: [] }

function extended(step: LiveStep, part: LivePart): LiveStep {
  const { type, delta = '', reasoning = '', id = '', tool = '', args, success } = part
  if (type === 'reset') return { ...step, ...empty }
  if (type === 'tool-call')
    return { ...step, isComplete: true, calls: [...step.calls, { id, tool, args, success: undefined }] }
  if (type === 'tool-result') {
    // The call itself may have come before the stream was open.
    const known = step.calls.find((call) => call.id === id) ?? { id, tool, args: undefined }
    return { ...step, calls: [...step.calls.filter((call) => call.id !== id), { ...known, success }] }
  }
  if (type !== 'text-delta' && type !== 'reasoning') return step
  const before = step.isComplete ? { ...step, ...empty } : step
  return { ...before, text: before.text + delta, reasoning: before.reasoning + reasoning }
}

interface Following {
  /** Only this step. */
  readonly step?: string
  readonly isOver: () => boolean
  /** Whether they are followed at all, true by default. */
  readonly enabled?: boolean
}

/** Returns the steps that have streamed from now on; the one that streamed last comes last. */
export function useLiveSteps(run: string, { step: only, ...options }: Following): ReadonlyMap<string, LiveStep> {
  const [steps, setSteps] = useState<ReadonlyMap<string, LiveStep>>(new Map())
  useStream(
    'runs.live',
    { path: { run } },
    {
      onEvent: ({ data: { step, part } }) => {
        if ((only !== undefined && step !== only) || typeof part !== 'object' || part === null) return
        setSteps((before) => {
          const after = new Map(before)
          after.delete(step)
          return after.set(step, extended(before.get(step) ?? initial, part))
        })
      },
      ...options,
    },
  )
  return steps
}
