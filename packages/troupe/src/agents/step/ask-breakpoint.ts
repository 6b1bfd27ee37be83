/** A breakpoint before a tool call, at which a person lets the call execute or provides its result. */
import { type Json, reviewableText } from '../../core/index.ts'
import type { LlmRun } from '../model/llm-run.ts'

/** The result that replaces the call. */
export type Edited = {
  readonly result: Json
}

/** @returns undefined if the call executes */
export async function askBreakpoint(
  { entry, definition }: LlmRun,
  tool: string,
  args: Json,
): Promise<Edited | undefined> {
  const text = `Breakpoint: ${definition.name} is about to call ${tool} with ${reviewableText(args)}.`
  const answer = await entry.ctx.ask({ kind: 'breakpoint', text, tool, args })
  return answer === true ? undefined : (answer as Edited)
}
