/** Asks the questions of a run at the client. The answers count as answers of the holder of the API key. */
import type { InputRequest, InputRequiredResult, ServerContext } from '@modelcontextprotocol/server'
import type { Json, Question } from '../../../core/index.ts'
import type { Run, RunResult } from '../../../runs/index.ts'
import { escapeTerminal } from '../../../security/index.ts'
import type { ServerSdk } from './server-sdk.ts'

/** Returns the form for a question; undefined for a breakpoint, which no form can answer. */
function fieldOf({ kind, options }: Pick<Question, 'kind' | 'options'>) {
  if (kind === 'choice' && options) return { type: 'string' as const, enum: [...options] }
  if (kind === 'error') return { type: 'string' as const, enum: ['retry', 'skip', 'abort'] }
  if (kind === 'confirmation' || kind === 'approval') return { type: 'boolean' as const }
  if (kind === 'breakpoint') return undefined
  return { type: 'string' as const }
}

/** The run whose question was asked, and the seq of the last event of it that was reported as progress. */
export interface AskedRun {
  readonly run: string
  readonly reported: number
}

/** Returns the state that a client returned with its answers. It comes from the caller, as any argument does. */
export function askedRunOf(state: unknown): AskedRun | undefined {
  const [, reported, run] = (typeof state === 'string' && /^(\d{1,15}):(.+)$/s.exec(state)) || []
  return run === undefined ? undefined : { run, reported: Number(reported) }
}

/** @returns undefined if the run asks nothing that a form can answer */
export function askFor(
  sdk: ServerSdk,
  { run, reported }: AskedRun,
  { status, questions }: RunResult,
): InputRequiredResult | undefined {
  if (status !== 'waiting') return undefined
  const asked: Record<string, InputRequest> = {}
  for (const question of questions) {
    const value = fieldOf(question)
    if (!value) continue
    const requestedSchema = { type: 'object' as const, properties: { value }, required: ['value'] }
    asked[question.id] = sdk.inputRequired.elicit({
      mode: 'form',
      message: escapeTerminal(question.text),
      requestedSchema,
    })
  }
  // The state needs no signature: it names a run, which is looked up only among the runs of the caller.
  const requestState = `${reported}:${run}`
  return Object.keys(asked).length > 0 ? sdk.inputRequired({ inputRequests: asked, requestState }) : undefined
}

/**
 * Answers the questions that a person answered at the client. An answer after that of another person changes nothing.
 * @param find returns an asked question
 * @param mayApprove whether this client may give the approval
 * @returns false if no answer was given
 */
export async function elicitAnswers(
  { sdk, ctx }: { readonly sdk: ServerSdk; readonly ctx: ServerContext },
  run: Run,
  find: (question: string) => Promise<Question | undefined>,
  mayApprove: (question: string) => Promise<boolean>,
): Promise<boolean> {
  const { inputResponses } = ctx.mcpReq
  let any = false
  for (const id of Object.keys(inputResponses ?? {})) {
    const content = sdk.acceptedContent(inputResponses, id) as { readonly value?: Json } | undefined
    const question = content?.value === undefined ? undefined : await find(id)
    if (content?.value === undefined || !question || !fieldOf(question)) continue
    const isApproval = question.kind === 'approval'
    if (isApproval && !(await mayApprove(id))) continue
    const { hash } = question
    const value = isApproval && hash !== undefined ? { approve: content.value === true, hash } : content.value
    const answered = run.answer(id, value).then(() => true)
    any = (await answered.catch(isLate)) || any
  }
  return any
}

/** @throws any error but that of a question that is no longer open */
function isLate(error: unknown): false {
  const { code } = error as { readonly code?: unknown }
  if (code === 'question.unknown' || code === 'run.over') return false
  throw error
}
