/**
 * MCP over streamable HTTP, for whoever has found out who calls: no state between requests, so that any process answers
 * any of them. A stream of changes is a watch of the caller's own.
 */
import type { ServerEvent } from '@modelcontextprotocol/server'
import { partsOf, type Troupe } from '../../../runtime/index.ts'
import { createServer } from './create-server.ts'
import { callerOf, type McpIdentity } from './identity.ts'
import { loadServerSdk } from './sdk.ts'
import { watchResources } from './watching.ts'

/** Of all clients of one endpoint. */
const maxSubscriptions = 1_024

export type McpEndpoint = (
  identity: McpIdentity,
  request: Request,
  body: unknown,
  heartbeatMs: number,
) => Promise<Response>

export async function createMcpEndpoint(troupe: Troupe): Promise<McpEndpoint> {
  const sdk = await loadServerSdk()
  const parts = troupe[partsOf]
  let subscriptions = 0
  return (identity, request, body, heartbeatMs) => {
    const caller = callerOf(troupe, parts, identity)
    const subscribe = (tell: (event: ServerEvent) => void) => {
      const stop = watchResources(caller, tell)
      subscriptions++
      return () => {
        stop()
        subscriptions--
      }
    }
    const handler = sdk.createMcpHandler(({ era }) => createServer(sdk, caller, { era }), {
      // Nobody else's changes can reach it: what it publishes nobody hears, and what it hears is its own watch.
      bus: { publish: () => {}, subscribe: once(subscribe) },
      maxSubscriptions: Math.max(0, maxSubscriptions - subscriptions),
      keepAliveMs: heartbeatMs,
      onerror: (error) => parts.log.debug('a request over MCP was refused', { error }),
    })
    return handler.fetch(request, { parsedBody: body })
  }
}

/** Ended twice, it ends once. */
function once(subscribe: (tell: (event: ServerEvent) => void) => () => void) {
  return (tell: (event: ServerEvent) => void) => {
    let end: (() => void) | undefined = subscribe(tell)
    return () => {
      end?.()
      end = undefined
    }
  }
}
