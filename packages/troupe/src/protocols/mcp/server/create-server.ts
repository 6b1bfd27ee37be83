/** An MCP server for one client. It lists only what the client may use. */
import type {
  CallToolResult,
  InputRequiredResult,
  Server,
  ServerContext,
  Tool as WireTool,
} from '@modelcontextprotocol/server'
import { macrotaskWithTime, TroupeError, version } from '../../../core/index.ts'
import type { BuiltInTool, Operation } from '../../../security/index.ts'
import { isFailure } from '../../../tools/index.ts'
import { type McpCaller, operationOf, recordRejection } from './mcp-identity.ts'
import { listResources, readResource, resourceTemplates } from './mcp-resources.ts'
import { mcpErrorResult, mcpToolResult, protocolError, rejected } from './mcp-results.ts'
import { runTools } from './run-tools.ts'
import type { ServerSdk } from './server-sdk.ts'

const mayCall = ({ identity: { access, may } }: McpCaller, name: string): name is BuiltInTool =>
  Object.hasOwn(operationOf, name) &&
  access.can(name as BuiltInTool) &&
  may(operationOf[name as BuiltInTool], 'readonly')

/** The operation of a tool; undefined for a name of no tool. */
const operationOfTool = (name: string): Operation | undefined =>
  Object.hasOwn(operationOf, name)
    ? operationOf[name as BuiltInTool]
    : runTools.find(({ definition }) => definition.name === name)?.operation

const runs = ({ identity }: McpCaller) => runTools.filter(({ operation, role }) => identity.may(operation, role))

function toolsOf(caller: McpCaller): WireTool[] {
  return [
    ...caller.tools
      .definitions()
      .filter(({ name }) => mayCall(caller, name))
      .map(({ name, description, parameters }) => ({
        name,
        description,
        inputSchema: parameters as WireTool['inputSchema'],
      })),
    ...runs(caller).map(({ definition }) => definition),
  ]
}

async function callTool(
  sdk: ServerSdk,
  caller: McpCaller,
  { name, arguments: args }: { readonly name: string; readonly arguments?: unknown },
  ctx: ServerContext,
  elicits: boolean,
): Promise<CallToolResult | InputRequiredResult> {
  const { log } = caller.parts.observability
  const operation = operationOfTool(name)
  // Calls that arrive together share the time of a macrotask.
  await macrotaskWithTime(caller.parts.platform.clock)
  try {
    if (mayCall(caller, name)) {
      const result = await caller.tools.call(name, args ?? {})
      if (isFailure(result)) return rejected(result)
      leaveRecord(caller, operationOf[name], undefined)
      return await mcpToolResult(caller, result, `The answer of ${name}`)
    }
    const tool = runs(caller).find(({ definition }) => definition.name === name)
    if (tool) {
      const result = await tool.call({ caller, sdk, ctx, elicits }, args)
      leaveRecord(caller, tool.operation, (args as { readonly run?: unknown } | undefined)?.run)
      return result
    }
  } catch (error) {
    if (operation && error instanceof TroupeError && error.status === 403)
      recordRejection(caller, operation, error.code)
    return mcpErrorResult(error, log)
  }
  if (operation) recordRejection(caller, operation)
  throw new sdk.ProtocolError(sdk.ProtocolErrorCode.InvalidParams, 'There is no tool of this name for this client.')
}

const readOperations: ReadonlySet<Operation> = new Set(['context.read', 'messages.read', 'runs.read'])

/** Records an executed call in the audit log, because not every operation records itself. */
function leaveRecord({ parts, identity: { user } }: McpCaller, operation: Operation, run: unknown): void {
  const resource = typeof run === 'string' ? { resource: run } : {}
  parts.security.audit.answered(user, { operation, ...resource }, readOperations.has(operation))
}

/** Whether the client shows forms. A client that declares elicitation without details does. */
function showsForms(server: Server): boolean {
  const asks = server.getClientCapabilities()?.elicitation
  return asks !== undefined && (asks.form !== undefined || Object.keys(asks).length === 0)
}

interface Spoken {
  /** The protocol of 2026, or an older one. */
  readonly era: 'modern' | 'legacy'
  /** The subscriptions of a client of the older protocol. If absent, the client cannot subscribe. */
  readonly subscribed?: Set<string>
  /** Makes a call that of a caller from outside; absent if its request already is one. */
  readonly within?: <Out>(call: () => Out) => Out
}

export function createServer(
  sdk: ServerSdk,
  caller: McpCaller,
  { era, subscribed, within = (call) => call() }: Spoken,
): Server {
  const notifies = era === 'modern' || subscribed !== undefined
  const server = new sdk.Server(
    { name: 'troupe', version },
    { capabilities: { tools: {}, resources: notifies ? { subscribe: true, listChanged: true } : {} } },
  )
  server.setRequestHandler('tools/list', () => ({ tools: toolsOf(caller) }))
  // Each call is recorded separately, even if one request contains several.
  const as = { key: caller.parts.security.audit.caller()?.key, agent: caller.identity.agent }
  const audited = <Out>(call: () => Out) => within(() => caller.parts.security.audit.by(as, call))
  server.setRequestHandler('tools/call', ({ params }, ctx) =>
    audited(() => callTool(sdk, caller, params, ctx, showsForms(server))),
  )
  const guarded = <T>(asked: Promise<T>): Promise<T> =>
    asked.catch((error: unknown) => {
      throw protocolError(sdk, error, caller.parts.observability.log)
    })
  server.setRequestHandler('resources/list', ({ params }) => guarded(listResources(caller, params?.cursor)))
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: resourceTemplates }))
  server.setRequestHandler('resources/read', ({ params }) =>
    guarded(audited(() => readResource(sdk, caller, params.uri))),
  )
  if (subscribed) {
    server.setRequestHandler('resources/subscribe', ({ params }) => {
      subscribed.add(params.uri)
      return {}
    })
    server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscribed.delete(params.uri)
      return {}
    })
  }
  return server
}
