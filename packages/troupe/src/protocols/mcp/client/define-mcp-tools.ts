/** The tools of an MCP server for agents. They are pinned, limited and untrusted by default. */
import type { CallToolResult, Tool as WireTool } from '@modelcontextprotocol/client'
import {
  checkOptions,
  type Duration,
  duration,
  type FilePart,
  failure,
  hashJson,
  invalidInput,
  isFilePart,
  isObject,
  type Json,
  listOf,
  milliseconds,
  nearest,
  type Schema,
  show,
  type TextPart,
  TimeSlice,
  truncateText,
} from '../../../core/index.ts'
import {
  createToolSource,
  defineTool,
  type OpenedSource,
  type SourceHost,
  type Tool,
  type ToolEffect,
  type ToolSource,
} from '../../../tools/index.ts'
import { McpConnection } from './mcp-connection.ts'
import { checkServer, type McpServerConfig } from './mcp-server-config.ts'
import { openClient } from './open-client.ts'
import { descriptionOf } from './tool-form.ts'

/** A call of a server leaves the process, so it is never `pure`. */
export type McpToolEffect = Exclude<ToolEffect, 'pure'>

/** The options of `defineMcpTools`. */
export interface McpToolsOptions {
  /** The MCP server: an address, or a program. */
  readonly server: McpServerConfig
  /** The name of the server here. Its tools are called `NAME_TOOL` and are pinned under this name. */
  readonly name: string
  /** The tools that are offered, by the names that the server gives them; all by default. */
  readonly allow?: readonly string[]
  /**
   * The effect class of all its tools, or of each; `at-most-once` by default: claimed before the call, never repeated
   * automatically.
   */
  readonly effect?: McpToolEffect | Readonly<Record<string, McpToolEffect>>
  /**
   * True accepts the hints of the server: `readOnlyHint` means `read`, `idempotentHint` means `idempotent`. False by
   * default.
   */
  readonly trustAnnotations?: boolean
  /**
   * True trusts the descriptions of the server's tools: they are offered at first sight, without a label. False by
   * default: a step that is offered tools whose descriptions no person has approved carries the label
   * `untrusted:mcp:NAME`, and in production such tools are not offered.
   */
  readonly trust?: boolean
  /**
   * True if a person must approve the exact arguments of each call, or the names of the tools for which this applies;
   * false by default.
   */
  readonly needsApproval?: boolean | readonly string[]
  /** The time limit of a call, and of the connection; 60 s by default. */
  readonly timeout?: Duration
  /** The highest size of a result in bytes; 1 MiB by default. */
  readonly resultLimit?: number
}

const known = [
  'server',
  'name',
  'allow',
  'effect',
  'trustAnnotations',
  'trust',
  'needsApproval',
  'timeout',
  'resultLimit',
] as const
/** The highest length of a tool's name, as models accept it. */
const longestName = 64
const effects: readonly unknown[] = ['read', 'idempotent', 'at-most-once']
const wrong = (problem: string) => invalidInput('The tools of a server of MCP', problem)

/**
 * Defines the tools of an MCP server, for `tools` of any number of agents. A troupe connects when a step of such an
 * agent starts, and the step is offered the tools that the server then has. At the first connection the tools are
 * pinned. A tool that is changed, added or renamed later is neither offered nor called before `approveMcpTools`, and is
 * reported as `mcp.changed`. A step whose server cannot be reached fails with `mcp.unreachable`.
 * @throws ValidationError for an invalid option
 * @example
 * const files = defineMcpTools({ name: 'files', server: { command: 'mcp-files', args: ['./docs'] } })
 * const clerk = new LlmAgent({ name: 'Clerk', model, tools: [files] })
 * const troupe = await createTroupe({ storage: 'sqlite:./data/troupe.db', agents: [clerk] })
 */
export function defineMcpTools(options: McpToolsOptions): ToolSource {
  const checked = check(options)
  const { name, server, effect, needsApproval, trustAnnotations, trust, allow } = checked
  const endpoint = 'url' in server ? { url: server.url } : { command: server.command, args: [...(server.args ?? [])] }
  const trusted = { trustAnnotations, trust }
  const rules = { effect: effect ?? 'at-most-once', needsApproval, ...trusted, allow: allow ? [...allow] : null }
  return createToolSource({
    name,
    untrusted: `mcp:${name}`,
    hasSideEffects: effect !== 'read' && needsApproval !== true,
    // Only a hash of the endpoint, because an address may contain confidential values.
    settings: [hashJson(endpoint), rules],
    open: (host) => openServer(host, checked),
  })
}

type Checked = ReturnType<typeof check>

function check(options: McpToolsOptions) {
  checkOptions('defineMcpTools', options, known)
  const { server, name, allow, effect, trustAnnotations = false, timeout = '60s', resultLimit = 2 ** 20 } = options
  const { needsApproval = false, trust = false } = options
  if (typeof name !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,31}$/.test(name))
    throw wrong('its name must be 1 to 32 letters, digits and -')
  for (const one of isObject(effect) ? Object.values(effect) : effect === undefined ? [] : [effect])
    if (!effects.includes(one)) throw wrong(`effect is ${show(one)}, not read, idempotent or at-most-once`)
  if (typeof trustAnnotations !== 'boolean') throw wrong('trustAnnotations is neither true nor false')
  if (typeof trust !== 'boolean') throw wrong('trust is neither true nor false')
  const approved = typeof needsApproval === 'boolean' ? needsApproval : listOf<string>('needsApproval', needsApproval)
  if (!Number.isInteger(resultLimit) || resultLimit < 1_024 || resultLimit > 2 ** 23)
    throw wrong('resultLimit is 1,024 to 8,388,608 bytes')
  const timeoutMs = milliseconds(timeout, 'timeout', '1ms')
  const allowed = allow === undefined ? undefined : new Set(listOf<string>('allow', allow))
  for (const tool of namedIn(effect, approved))
    if (allowed && !allowed.has(tool)) throw wrong(`effect or needsApproval names ${tool}, which allow does not name`)
  return {
    server: checkServer(server),
    name,
    allow: allowed,
    effect,
    trustAnnotations,
    trust,
    needsApproval: approved,
    timeoutMs,
    resultLimit,
  }
}

/** Returns the tools that options name. An option of a misspelt name has no effect, so it is reported. */
const namedIn = (
  effect: McpToolsOptions['effect'],
  needsApproval: boolean | readonly string[],
  allow: Iterable<string> = [],
) => [
  ...allow,
  ...(typeof needsApproval === 'object' ? needsApproval : []),
  ...(typeof effect === 'object' ? Object.keys(effect) : []),
]

/** The recorded part of a tool, with which it can be offered again without its server. */
type Listed = {
  readonly name: string
  readonly description: string
  readonly inputSchema: Json
  readonly effect: McpToolEffect
  readonly unapproved?: true
}

function openServer(host: SourceHost, checked: Checked): OpenedSource {
  const { clock, random, events, secrets, toolPins, evaluator, fetchFor } = host
  const { name: source, server, timeoutMs, resultLimit } = checked
  const log = host.log.child({ server: source })
  const connection = new McpConnection({
    source,
    platform: { clock, random },
    limits: { timeoutMs, resultLimit },
    evaluator,
    open: (listeners) =>
      openClient({ server, clock, log, timeoutMs, messageBytes: 4 * resultLimit, secrets, fetchFor, ...listeners }),
    pins: {
      compare: async (forms, work) => {
        const changes = await toolPins.compare(source, forms, { isTrusted: checked.trust, work })
        for (const { tool, change, parts } of changes)
          if (change !== 'unapproved')
            await work(() =>
              events.emit({ type: 'mcp.changed', at: clock.now(), server: source, tool, change, parts: [...parts] }),
            )
        return changes
      },
      approvals: () => toolPins.approvals,
    },
  })
  const missed = new Set<string>()
  const discover: OpenedSource['discover'] = async () => {
    const { tools, changes, unapproved } = await connection.discover()
    const offered = new Set(tools.map(({ name }) => name))
    for (const tool of namedIn(checked.effect, checked.needsApproval, checked.allow))
      if (!offered.has(tool) && !missed.has(tool)) {
        missed.add(tool)
        log.warn('an option names a tool that the MCP server does not offer', { tool, nearest: nearest(tool, offered) })
      }
    const waiting = new Set(changes.map(({ tool }) => tool))
    const unread = new Set(unapproved.map(({ tool }) => tool))
    const listed = tools
      .filter(({ name }) => !waiting.has(name) && (checked.allow?.has(name) ?? true))
      .map((tool): Listed => {
        const { name, inputSchema } = tool
        const description = descriptionOf(tool) || name
        const rest = unread.has(name) ? { unapproved: true as const } : {}
        return { name, description, inputSchema: inputSchema as Json, effect: effectOf(checked, tool), ...rest }
      })
    return { listed, changes, unapproved: unapproved.filter(({ tool }) => checked.allow?.has(tool) ?? true) }
  }
  return {
    discover,
    async toolsOf(listed) {
      const all = listed as readonly Listed[]
      const names = namesOf(source, all)
      const slice = new TimeSlice(clock)
      const tools: Tool[] = []
      for (const tool of all) {
        if (slice.isOver) await slice.renew()
        const schema = evaluator.schemaOf(`mcp:${source}`, tool.inputSchema as { readonly [key: string]: Json })
        tools.push(toolOf(connection, checked, { ...tool, offered: names.get(tool.name) as string }, schema))
      }
      return { tools, describedByOthers: all.some(({ unapproved }) => unapproved === true) }
    },
    close: () => connection.close(),
  }
}

function effectOf({ effect, trustAnnotations }: Checked, { name, annotations }: WireTool): McpToolEffect {
  const declared = typeof effect !== 'object' ? effect : Object.hasOwn(effect, name) ? effect[name] : undefined
  if (declared !== undefined) return declared
  if (trustAnnotations && annotations?.readOnlyHint) return 'read'
  if (trustAnnotations && annotations?.idempotentHint) return 'idempotent'
  return 'at-most-once'
}

/** Maps the names of the server to names that models accept, and makes equal ones distinct. */
function namesOf(source: string, listed: readonly Listed[]): ReadonlyMap<string, string> {
  const plain = listed.map(({ name }) => `${source}_${name}`.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, longestName))
  const times = new Map<string, number>()
  for (const name of plain) times.set(name, (times.get(name) ?? 0) + 1)
  const exposedName = (name: string, offered: string) =>
    times.get(offered) === 1 || offered === `${source}_${name}`
      ? offered
      : `${offered.slice(0, longestName - 9)}_${hashJson(name).slice(0, 8)}`
  return new Map(listed.map(({ name }, i) => [name, exposedName(name, plain[i] as string)]))
}

function toolOf(
  connection: McpConnection,
  checked: Checked,
  tool: Listed & { readonly offered: string },
  inputSchema: Schema,
): Tool {
  const { name: source, timeoutMs, needsApproval } = checked
  const { offered: name } = tool
  return defineTool<unknown, Json>({
    name,
    description: tool.description,
    inputSchema,
    effect: tool.effect,
    needsApproval: typeof needsApproval === 'boolean' ? needsApproval : needsApproval.includes(tool.name),
    untrusted: `mcp:${source}`,
    // The server's own limit comes first, and knows whether the call was sent.
    timeout: duration(timeoutMs * 2 + 5_000) as Duration,
    execute: async (input, { signal }) => {
      const result = await connection.call(tool.name, input as Readonly<Record<string, unknown>>, signal)
      return resultOf(name, result)
    },
  })
}

/** Returns the part of a result that models read: its structured content, otherwise its text; with its files. */
function resultOf(tool: string, { isError, structuredContent, content }: CallToolResult): Json {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  if (isError) {
    const text = texts.join('\n') || (structuredContent === undefined ? '' : JSON.stringify(structuredContent))
    throw failure('tool.failed', { tool, problem: truncateText(text, 2_000) || 'it reported no reason' })
  }
  const parts = content.map(partOf)
  const files = parts.filter(({ type }) => type === 'file')
  if (structuredContent !== undefined) {
    const structure = structuredContent as Json
    return files.length === 0 ? structure : [{ type: 'text', text: JSON.stringify(structure) }, ...files]
  }
  if (texts.length === content.length) return texts.join('\n')
  return files.length > 0 ? parts : (content as Json)
}

/** Images, audio and embedded resources become files; a link to a resource becomes text. */
function partOf(part: CallToolResult['content'][number]): FilePart | TextPart {
  if (part.type === 'text') return { type: 'text', text: part.text }
  const blob =
    part.type === 'image' || part.type === 'audio'
      ? { data: part.data, mediaType: part.mimeType }
      : part.type === 'resource' && 'blob' in part.resource
        ? { data: part.resource.blob, mediaType: part.resource.mimeType ?? 'application/octet-stream' }
        : undefined
  const filePart = blob && { type: 'file' as const, ...blob }
  // An untrusted server may send an invalid file.
  return isFilePart(filePart) ? filePart : { type: 'text', text: JSON.stringify(part) }
}
