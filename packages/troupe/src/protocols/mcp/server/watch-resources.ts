/** Reports committed changes of the entries that a client can read, for clients that subscribed to resources. */
import type { ServerEvent } from '@modelcontextprotocol/server'
import { TroupeError } from '../../../core/index.ts'
import type { McpCaller } from './mcp-identity.ts'
import { mayReadContext, uriOfEntry } from './mcp-resources.ts'

/** @returns a function that ends the watch */
export function watchResources(caller: McpCaller, emit: (event: ServerEvent) => void): () => void {
  if (!mayReadContext(caller)) return () => {}
  const ends = new AbortController()
  const follow = async () => {
    for await (const item of caller.context.watch({ signal: ends.signal })) {
      if (item.type === 'resync') {
        emit({ kind: 'resources_list_changed' })
        continue
      }
      emit({ kind: 'resource_updated', uri: uriOfEntry(item.key) })
      const isNew = item.type === 'put' && item.version === 1
      if (isNew || item.type !== 'put') emit({ kind: 'resources_list_changed' })
    }
  }
  follow().catch((error: unknown) => {
    const { log } = caller.parts.observability
    if (error instanceof TroupeError && error.code === 'cancelled') return
    log.warn('the watch of an MCP client ended', { error: error as Error })
  })
  return () => ends.abort()
}
