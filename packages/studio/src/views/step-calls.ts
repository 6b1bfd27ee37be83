/** What a step asked of models, tools and the world, and how it is named. */
import type { UseQueryResult } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { AnswerOf } from 'troupe/client'
import type { Call } from '../api/shapes.ts'
import { useAnswer, useForgetSoon } from '../api/use-api.tsx'
import { asText, lasting } from '../format.ts'
import type { Step } from '../run-state.ts'

interface ModelPart {
  readonly type: string
  readonly text?: string
  readonly toolName?: string
  readonly input?: unknown
  /** True for a call that the provider of the model has carried out. */
  readonly providerExecuted?: boolean
}
interface ModelOutput {
  readonly content?: readonly ModelPart[]
  readonly model?: string
  readonly finish?: string
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
export const callStatus = ({ state }: Pick<Call, 'state'>) => statuses[state]

export type StepCalls = UseQueryResult<AnswerOf<'runs.calls'>, Error>

const isOver = ({ state }: Step) => state === 'done' || state === 'failed' || state === 'stopped'

/** Asks for the calls of a step; of a step that is at work every two seconds, and when its state changes. */
export function useStepCalls(run: string, step: Step | undefined): StepCalls {
  const path = { run, step: step?.id ?? '' }
  const forgetSoon = useForgetSoon()
  // The last calls of a step are recorded with its end, after the last question.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a step that changes its state has recorded calls
  useEffect(() => () => forgetSoon('runs.calls', { path }), [run, step?.id, step?.state])
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

/** In ms since 1970; without an end it lasts. */
export interface Span {
  readonly start: number
  readonly end: number | undefined
}

/** Returns the time of a call. One that was not claimed began at the commit before that of its outcome. */
export function spanOf({ startedAt, recordedAt }: Call, calls: readonly Call[], { began, ended }: Step): Span {
  const end = recordedAt === undefined ? ended : Date.parse(recordedAt)
  const commits = calls.map((call) => Date.parse(call.recordedAt ?? '')).filter((at) => at < (end ?? 0))
  return { start: startedAt === undefined ? Math.max(began, ...commits) : Date.parse(startedAt), end }
}

export const modelAnswer = ({ kind, output }: Call): ModelOutput =>
  kind === 'model' ? ((output ?? {}) as ModelOutput) : {}

/** The address of a wait of a step, where the id of a call stands otherwise. */
export const waitId = (index: number): string => `wait ${index + 1}`

/** The reasoning of an answer; undefined for none. */
export function reasoningOf({ content = [] }: ModelOutput): string | undefined {
  const texts = content.flatMap(({ type, text }) => (type === 'reasoning' && text ? [text] : []))
  return texts.length === 0 ? undefined : texts.join('\n')
}

/** An answer as it reads: texts, and each call of a tool with its arguments; its reasoning stands apart. */
export function answerText({ content = [] }: ModelOutput): string {
  const lines = content.map(({ type, text, toolName, input }) => {
    if (type === 'tool-call') return `${toolName} ${asText(readArguments(input))}`
    return type === 'reasoning' ? '' : (text ?? '')
  })
  return lines.filter((line) => line !== '').join('\n')
}

/** Models send them as text. */
function readArguments(input: unknown): unknown {
  if (typeof input !== 'string') return input
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

/** The id of a tool call: the turn of the model's answer, and the place of the call in it. A helper agent has a path of its own. */
const toolCallId = /^(.*\/effect:).+ (\d+)\.(\d+)#\d+$/s

/**
 * Returns the arguments of a call: the recorded ones, else for a tool those of the model's answer, because the journal
 * stores only those of calls that are never repeated.
 * @param calls those of the step
 */
export function argumentsOf({ input, kind, call }: Call, calls: readonly Call[]): unknown {
  const [, path, turn, position] = toolCallId.exec(call) ?? []
  if (input !== undefined || kind !== 'tool') return input
  const answer = calls.find((one) => one.call === `${path}model ${turn}#1`)
  const { content = [] } = answer ? modelAnswer(answer) : {}
  const called = content.filter(({ type, providerExecuted }) => type === 'tool-call' && !providerExecuted)
  return readArguments(called[Number(position) - 1]?.input)
}

/** Returns the value of an outcome that is a plain value; any other outcome as it is. */
export const plainOf = (outcome: unknown): unknown => {
  const { kind, value } = (outcome ?? {}) as { readonly kind?: unknown; readonly value?: unknown }
  return kind === 'value' ? value : outcome
}
