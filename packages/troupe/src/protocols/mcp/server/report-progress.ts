/**
 * Reports the progress of a run to a client that asked for it: a notification when a step starts, ends or asks a
 * person.
 */
import type { ServerContext } from '@modelcontextprotocol/server'
import { withTimeLimit } from '../../../resilience/index.ts'
import type { Run } from '../../../runs/index.ts'
import type { McpCaller } from './mcp-identity.ts'

const descriptions: Readonly<Record<string, string>> = {
  'step.started': 'begins',
  'step.completed': 'is done',
  'step.failed': 'failed',
  'question.asked': 'asks a person',
}

/** The longest time in ms for which an answer waits for the reports of the steps before it. */
const finishMs = 5_000

export interface ProgressReports {
  /** Waits until each event up to the end of the run, or until it waits, is reported. Returns the seq of the last one. */
  finish(): Promise<number>
  stop(): void
}

/** @param from the seq of the last event that was reported; the progress is the seq of an event, so that it only increases */
export function reportProgress(caller: McpCaller, ctx: ServerContext, run: Run, from: number): ProgressReports {
  const { progressToken } = ctx.mcpReq._meta ?? {}
  if (progressToken === undefined) return { finish: async () => from, stop: () => {} }
  const ends = new AbortController()
  const { clock } = caller.parts.platform
  let last = from
  const follow = async () => {
    for await (const event of run.events({ from, untilWaiting: true, signal: ends.signal })) {
      const what = descriptions[event.type]
      if (ends.signal.aborted) return
      last = event.seq
      if (what === undefined) continue
      const { agent } = event as { readonly agent?: unknown }
      const message = typeof agent === 'string' ? `${agent} ${what}` : event.type
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: event.seq, message },
      })
    }
  }
  // Fails if the client has disconnected; the signal of the call ends the call.
  const followed = follow().catch((error: unknown) =>
    caller.parts.observability.log.debug('the progress of an MCP call could not be reported', {
      error: error as Error,
    }),
  )
  const { signal } = ctx.mcpReq
  const limit = { clock, limitMs: finishMs, kind: 'wait', what: `The progress of the run ${run.id}`, signal }
  return {
    async finish() {
      await withTimeLimit(limit, () => followed).catch(() => {})
      return last
    },
    stop: () => ends.abort(),
  }
}
