/** A breakpoint before a tool call, at which a person lets the call execute or provides its result. */
import { type Json, reviewableText } from '../../core/index.ts'
import type { AskOptions } from '../agent-port.ts'
import type { LlmRun } from '../model/llm-run.ts'
import { createQuestion, recordedAsk } from './ask-question.ts'

/** The result that replaces the call. */
export type Edited = {
  readonly result: Json
}

/**
 * Stops at a breakpoint that is set now. A step that is executed again stops where it stopped before, and not at a call that
 * it has made, although the breakpoints were changed since.
 * @returns undefined if the call executes
 */
export function askBreakpoint(
  { entry: { ctx, recorder, services }, definition }: LlmRun,
  tool: string,
  args: Json,
): Promise<Edited | undefined> | undefined {
  const kind = 'breakpoint'
  const question = (): AskOptions => {
    const text = `Breakpoint: ${definition.name} is about to call ${tool} with ${reviewableText(args)}.`
    return { kind, text, tool, args }
  }
  const record = recorder.recordOfWait({ kind: 'ask', name: kind }, () => recordedAsk(createQuestion(question())).input)
  const isSet = services.limits.breakOn?.includes(tool) === true
  if (record === 'passed' || (record === 'new' && !isSet)) return undefined
  return ctx.ask(question()).then((answer) => (answer === true ? undefined : (answer as Edited)))
}
