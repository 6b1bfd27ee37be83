/**
 * MCP over streamable HTTP for identified callers. It keeps no state between requests, so that any process can answer any
 * request. A stream of changes is a watch with the rights of the caller.
 */
import type { ServerEvent } from '@modelcontextprotocol/server'
import { partsIn, type Troupe } from '../../../startup/index.ts'
import { createServer } from './create-server.ts'
import { type McpIdentity, mcpCallerOf } from './mcp-identity.ts'
import { loadServerSdk } from './server-sdk.ts'
import { watchResources } from './watch-resources.ts'

/** The highest number of subscriptions of all clients of an endpoint. */
const maxSubscriptions = 1_024

/**
 * Answers one MCP request of an identified caller. `body` is the parsed body of the request, and `heartbeatMs` the
 * interval between keep-alive comments of a stream in ms.
 */
export type McpEndpoint = (
  identity: McpIdentity,
  request: Request,
  body: unknown,
  heartbeatMs: number,
) => Promise<Response>

/**
 * Creates an endpoint for MCP over streamable HTTP, for a server that has identified the caller. It keeps no state
 * between requests, so that any process can answer any of them.
 */
export async function createMcpEndpoint(troupe: Troupe): Promise<McpEndpoint> {
  const parts = partsIn(troupe)
  const sdk = await loadServerSdk()
  let subscriptions = 0
  return (identity, request, body, heartbeatMs) => {
    const caller = mcpCallerOf(troupe, parts, identity)
    const subscribe = (emit: (event: ServerEvent) => void) => {
      const stop = watchResources(caller, emit)
      subscriptions++
      return () => {
        stop()
        subscriptions--
      }
    }
    const handler = sdk.createMcpHandler(({ era }) => createServer(sdk, caller, { era }), {
      // It is isolated from other clients: it publishes nothing, and its only source is its own watch.
      bus: { publish: () => {}, subscribe: once(subscribe) },
      maxSubscriptions: Math.max(0, maxSubscriptions - subscriptions),
      keepAliveMs: heartbeatMs,
      onerror: (error) => parts.observability.log.debug('an MCP request was rejected', { error }),
    })
    return handler.fetch(request, { parsedBody: body })
  }
}

/** Ends a subscription once, also if its end is called twice, so that it is counted once. */
function once(subscribe: (emit: (event: ServerEvent) => void) => () => void) {
  return (emit: (event: ServerEvent) => void) => {
    let end: (() => void) | undefined = subscribe(emit)
    return () => {
      end?.()
      end = undefined
    }
  }
}
