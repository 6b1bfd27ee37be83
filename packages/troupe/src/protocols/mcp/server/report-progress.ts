/**
 * Reports the progress of a run to a client that asked for it: a notification when a step starts, ends or asks a
 * person.
 */
import type { ServerContext } from '@modelcontextprotocol/server'
import type { Run } from '../../../runs/index.ts'
import type { McpCaller } from './mcp-identity.ts'

const descriptions: Readonly<Record<string, string>> = {
  'step.started': 'begins',
  'step.completed': 'is done',
  'step.failed': 'failed',
  'question.asked': 'asks a person',
}

/** @returns a function that ends the reports */
export function reportProgress(caller: McpCaller, ctx: ServerContext, run: Run): () => void {
  const progressToken = ctx.mcpReq._meta?.progressToken
  if (progressToken === undefined) return () => {}
  const ends = new AbortController()
  const follow = async () => {
    let progress = 0
    for await (const event of run.events({ signal: ends.signal })) {
      const what = descriptions[event.type]
      if (what === undefined || ends.signal.aborted) continue
      const { agent } = event as { readonly agent?: unknown }
      const message = typeof agent === 'string' ? `${agent} ${what}` : event.type
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: ++progress, message },
      })
    }
  }
  // Fails if the client has disconnected; the signal of the call ends the call.
  follow().catch((error: unknown) =>
    caller.parts.observability.log.debug('the progress of an MCP call could not be reported', {
      error: error as Error,
    }),
  )
  return () => ends.abort()
}
