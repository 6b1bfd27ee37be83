/** What a step asked of models, tools and the world, and how it is named. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { AnswerOf } from 'troupe/client'
import type { Call } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { asText, lasting } from '../format.ts'
import type { Step } from '../run-state.ts'

interface ModelPart {
  readonly type: string
  readonly text?: string
  readonly toolName?: string
  readonly input?: unknown
}
interface ModelOutput {
  readonly content?: readonly ModelPart[]
  readonly model?: string
  readonly cost?: number
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly cacheReadTokens?: number }
}

const statuses: Readonly<Record<Call['state'], { readonly status: string; readonly reason?: string }>> = {
  claimed: { status: 'working' },
  done: { status: 'done' },
  failed: { status: 'failed' },
  uncertain: { status: 'waiting', reason: 'its outcome is unknown' },
  'not-happened': { status: 'stopped', reason: 'it did not happen' },
}
export const callStatus = ({ state }: Call) => statuses[state]

export type StepCalls = UseQueryResult<AnswerOf<'runs.calls'>, Error>

const isOver = ({ state }: Step) => state === 'done' || state === 'failed' || state === 'stopped'

/** Asks for the calls of a step; of a step that is at work, again and again. */
export function useStepCalls(run: string, step: Step | undefined): StepCalls {
  const path = { run, step: step?.id ?? '' }
  return useAnswer('runs.calls', {
    path,
    enabled: step !== undefined,
    ...(step === undefined || isOver(step) ? {} : { every: 2_000 }),
  })
}

export const callTitle = ({ kind, name }: Call): string => (kind === 'model' ? `model call ${name}` : `${kind} ${name}`)

/** From the commit before the start of a call to that of its outcome; empty where one of them is not recorded. */
export const durationOf = ({ startedAt, recordedAt }: Call): string =>
  startedAt === undefined || recordedAt === undefined || startedAt === recordedAt
    ? ''
    : lasting(Date.parse(recordedAt) - Date.parse(startedAt))

export const modelAnswer = ({ kind, output }: Call): ModelOutput =>
  kind === 'model' ? ((output ?? {}) as ModelOutput) : {}

/** The address of a wait of a step, where the id of a call stands otherwise. */
export const waitId = (index: number): string => `wait ${index + 1}`

/** An answer as it reads: texts, and each call of a tool with its arguments. */
export function answerText({ content = [] }: ModelOutput): string {
  const lines = content.map(({ type, text, toolName, input }) => {
    if (type === 'tool-call') return `${toolName} ${argumentsOf(input)}`
    return text === undefined ? '' : type === 'reasoning' ? `(${text})` : text
  })
  return lines.filter((line) => line !== '').join('\n')
}

/** Models send them as text. */
function argumentsOf(input: unknown): string {
  if (typeof input !== 'string') return asText(input)
  try {
    return asText(JSON.parse(input))
  } catch {
    return input
  }
}
