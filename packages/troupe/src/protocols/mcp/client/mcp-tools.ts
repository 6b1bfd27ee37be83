/** The tools of somebody else's server, for agents here: pinned, bounded, and never trusted. */
import type { CallToolResult, Tool as WireTool } from '@modelcontextprotocol/client'
import {
  checkOptions,
  type Duration,
  duration,
  failure,
  type Json,
  listOf,
  milliseconds,
  type Schema,
} from '../../../core/index.ts'
import { partsOf, type Troupe } from '../../../runtime/index.ts'
import type { ToolChange } from '../../../security/index.ts'
import { defineTool, type Tool, type ToolEffect } from '../../../tools/index.ts'
import { McpConnection } from './mcp-connection.ts'
import { openClient } from './open-client.ts'
import { checkServer, type McpServerConfig } from './server-config.ts'

export interface McpToolsOptions {
  readonly server: McpServerConfig
  /** Of the server, here: its tools are called `name_tool`, and under this name they are pinned. */
  readonly name: string
  /** These of its tools alone, by the names that the server gives them. All where absent. */
  readonly allow?: readonly string[]
  /** Of all its tools, or of each; `once` where nothing is said: claimed before it starts, and never repeated. */
  readonly effect?: ToolEffect | Readonly<Record<string, ToolEffect>>
  /** Believes what the server says of its tools: readOnlyHint makes `read`, idempotentHint `idempotent`. */
  readonly trustAnnotations?: boolean
  /** Of one call, and of connecting; 60s by default. */
  readonly timeout?: Duration
  /** Bytes of one result; 1 MiB by default. */
  readonly resultLimit?: number
}

export interface McpTools extends AsyncDisposable {
  /** Those that are as they were pinned, for `tools` of an LlmAgent. */
  readonly tools: readonly Tool[]
  /** Those that wait for `approveMcpTools`. */
  readonly changes: readonly ToolChange[]
  /** Ends the connection, and the program of the server. The troupe does it when it closes. */
  close(): Promise<void>
}

const known = ['server', 'name', 'allow', 'effect', 'trustAnnotations', 'timeout', 'resultLimit']
const effects: readonly unknown[] = ['read', 'idempotent', 'once']
const wrong = (problem: string) => failure('validation.failed', { what: 'mcpTools', problem })

/**
 * Connects to a server and gives its tools. At the first sight of the server they are pinned; what is changed, added or
 * renamed afterwards is neither offered nor called before `approveMcpTools`, and told as `mcp.changed`.
 * @throws ValidationError for a wrong option; ExternalServiceError `mcp.unreachable`
 * @example
 * const { tools } = await mcpTools(troupe, { name: 'files', server: { command: 'mcp-files', args: ['./docs'] } })
 * const clerk = new LlmAgent({ name: 'Clerk', model, tools })
 */
export async function mcpTools(troupe: Troupe, options: McpToolsOptions): Promise<McpTools> {
  const parts = troupe[partsOf]
  const { clock, random, events, secrets, toolPins, attached, waysOut } = parts
  const checked = check(options)
  const { name: source, server, timeoutMs, resultLimit } = checked
  const log = parts.log.child({ server: source })
  const connection = new McpConnection({
    source,
    clock,
    random,
    timeoutMs,
    open: (told) =>
      openClient({
        server,
        secrets,
        log,
        timeoutMs,
        fetchFor: waysOut.fetchFor,
        messageBytes: 4 * resultLimit,
        ...told,
      }),
    compare: async (forms) => {
      const changes = await toolPins.compare(source, forms)
      for (const { tool, change, parts: differing } of changes)
        events.emit({ type: 'mcp.changed', at: clock.now(), server: source, tool, change, parts: [...differing] })
      return changes
    },
  })
  const close = async () => {
    attached.delete(close)
    await connection.close()
  }
  attached.add(close)
  try {
    const { tools: listed, changes } = await connection.look()
    const waiting = new Set(changes.map(({ tool }) => tool))
    const { fromJsonSchema } = await import('@modelcontextprotocol/client')
    const tools = listed
      .filter(({ name }) => !waiting.has(name) && (checked.allow?.has(name) ?? true))
      .map((tool) => toolOf(connection, checked, tool, fromJsonSchema(tool.inputSchema as never) as Schema))
    return { tools, changes, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Pins changed tools as they were shown: what changes again afterwards waits again. They are called from then on, and
 * offered by the next `mcpTools`.
 * @example await approveMcpTools(troupe, changes.filter(({ tool }) => tool === 'search'))
 */
export async function approveMcpTools(troupe: Troupe, changes: readonly ToolChange[]): Promise<void> {
  await troupe[partsOf].toolPins.approve(listOf('The changes of approveMcpTools', changes))
}

type Checked = ReturnType<typeof check>

function check(options: McpToolsOptions) {
  checkOptions('mcpTools', options, known)
  const { server, name, allow, effect, trustAnnotations = false, timeout = '60s', resultLimit = 2 ** 20 } = options
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,31}$/.test(name))
    throw wrong('its name is 1 to 32 letters, digits and -')
  for (const one of typeof effect === 'object' ? Object.values(effect) : [effect ?? 'once'])
    if (!effects.includes(one)) throw wrong(`effect is ${String(one)}, not read, idempotent or once`)
  if (typeof trustAnnotations !== 'boolean') throw wrong('trustAnnotations is neither true nor false')
  if (!Number.isInteger(resultLimit) || resultLimit < 1_024 || resultLimit > 2 ** 23)
    throw wrong('resultLimit is 1,024 to 8,388,608 bytes')
  const timeoutMs = milliseconds(timeout, 'timeout')
  if (timeoutMs === 0) throw wrong('timeout is more than nothing')
  const allowed = allow === undefined ? undefined : new Set(listOf('allow', allow))
  return { server: checkServer(server), name, allow: allowed, effect, trustAnnotations, timeoutMs, resultLimit }
}

function effectOf({ effect, trustAnnotations }: Checked, { name, annotations }: WireTool): ToolEffect {
  const said = typeof effect === 'object' ? effect[name] : effect
  if (said !== undefined) return said
  if (trustAnnotations && annotations?.readOnlyHint) return 'read'
  if (trustAnnotations && annotations?.idempotentHint) return 'idempotent'
  return 'once'
}

function toolOf(connection: McpConnection, checked: Checked, tool: WireTool, inputSchema: Schema): Tool {
  const { name: source, timeoutMs, resultLimit } = checked
  const name = `${source}_${tool.name}`.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64)
  return defineTool<unknown, Json>({
    name,
    description: tool.description || tool.title || tool.name,
    inputSchema,
    effect: effectOf(checked, tool),
    untrusted: `mcp:${source}`,
    // The server's own limit comes first, and knows whether the call was sent.
    timeout: duration(timeoutMs * 2 + 5_000) as Duration,
    execute: async (input, { signal }) => {
      const result = await connection.call(tool.name, input as Readonly<Record<string, unknown>>, signal)
      return contentOf(name, result, resultLimit)
    },
  })
}

/** What of a result models read: its structure, else its text, else its parts as they are. */
function contentOf(tool: string, { isError, structuredContent, content }: CallToolResult, limit: number): Json {
  const bytes = Buffer.byteLength(JSON.stringify(structuredContent ?? content))
  if (bytes > limit) throw failure('mcp.too_large', { tool, bytes, limit })
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  if (isError)
    throw failure('tool.failed', { tool, problem: texts.join('\n').slice(0, 2_000) || 'it does not say why' })
  if (structuredContent !== undefined) return structuredContent as Json
  return texts.length === content.length ? texts.join('\n') : (content as unknown as Json)
}
