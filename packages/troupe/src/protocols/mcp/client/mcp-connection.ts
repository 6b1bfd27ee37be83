/**
 * The connection to an MCP server. It connects when it is needed, and reconnects with increasing pauses. A circuit breaker
 * stops calls for 30 s after 5 failures. The tools are compared with the pinned ones after connecting and when the list is
 * older than a minute.
 */
import type { CallToolResult, Client, Tool as WireTool } from '@modelcontextprotocol/client'
import { failure, type Json, type Platform, TroupeError, truncateText } from '../../../core/index.ts'
import { backoffDelay, CircuitBreaker } from '../../../resilience/index.ts'
import type { BoundedEvaluator, ChargedWork, ToolChange, ToolForm } from '../../../security/index.ts'
import { loadClientSdk } from './load-client-sdk.ts'
import { isConnectionGone, notProcessedReason } from './not-processed-reason.ts'
import { distinct, toolFormOf } from './tool-form.ts'

export interface ConnectionParts {
  readonly source: string
  readonly platform: Pick<Platform, 'clock' | 'random'>
  /** The time limit of a request, and the maximal size of a result as JSON, in bytes. */
  readonly limits: { readonly timeoutMs: number; readonly resultLimit: number }
  /** Checks what tools return by the schema that their server declares. */
  readonly evaluator: BoundedEvaluator
  readonly open: (listeners: {
    readonly changed: () => void
    readonly closed: () => void
    /** Cancels connecting. */
    readonly signal: AbortSignal
    /** Delivers a list of tools, which the client then reads. */
    readonly listed: (deliver: () => void) => void
  }) => Promise<Client>
  readonly pins: {
    /** Returns the differences from the pinned tools. */
    readonly compare: (forms: readonly ToolForm[], work: ChargedWork) => Promise<readonly ToolChange[]>
    /** Returns the number of approvals until now. */
    readonly approvals: () => number
  }
}

interface Seen {
  readonly tools: readonly WireTool[]
  readonly forms: ReadonlyMap<string, ToolForm>
  readonly changes: readonly ToolChange[]
  readonly unapproved: readonly ToolChange[]
}
interface Live extends Seen {
  readonly client: Client
  readonly until: number
  /** The number of approvals before the comparison. */
  readonly approvals: number
}

const freshMs = 60_000
const backoff = { baseMs: 500, maxMs: 30_000 }
const maxTools = 1_000

export class McpConnection {
  readonly #parts: ConnectionParts
  readonly #breaker: CircuitBreaker
  #client: Client | undefined
  #live: Live | undefined
  #discovering: Promise<Live> | undefined
  /** The number of changes of its tools that the server has announced. */
  #announced = 0
  #failures = 0
  #notBefore = 0
  readonly #ends = new AbortController()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    const counts = (error: unknown) => error instanceof TroupeError && unreachable.has(error.code)
    this.#breaker = new CircuitBreaker({ clock: parts.platform.clock, failures: 5, pause: '30s', counts })
  }

  /**
   * Returns the tools that the server offers, compared with the pinned ones.
   * @param refresh asks the server also if its tools were read within the last minute, and after the last approval
   * @throws ExternalServiceError `mcp.unreachable`
   */
  discover(refresh = false): Promise<Live> {
    const { platform, pins } = this.#parts
    const live = this.#live
    const isCurrent = live && platform.clock.monotonic() < live.until && live.approvals === pins.approvals()
    if (!refresh && isCurrent) return Promise.resolve(live)
    this.#discovering ??= this.#read().finally(() => {
      this.#discovering = undefined
    })
    return this.#discovering
  }

  /**
   * Calls a tool.
   * @throws `mcp.unreachable`, `mcp.changed` or CircuitOpenError before the call is sent; `tool.failed` for an error of the
   * server or an invalid result; `outcome.unknown` if the call was sent and its answer is missing or unreadable
   */
  async call(tool: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<CallToolResult> {
    const answer = await this.#breaker.execute(async () => {
      try {
        return { result: await this.#call(tool, args, signal) }
      } catch (error) {
        // A server that answers with an error is reachable.
        if (error instanceof TroupeError && answered.has(error.code)) return { error }
        throw error
      }
    })
    if ('error' in answer) throw answer.error
    return answer.result
  }

  async close(): Promise<void> {
    // Closing must not wait for a server that does not answer.
    this.#ends.abort()
    await this.#discovering?.catch(() => {})
    await this.#client?.close()
    this.#client = undefined
    this.#live = undefined
  }

  /** @param isRetry whether a connection was already lost for this call */
  async #call(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    isRetry = false,
  ): Promise<CallToolResult> {
    const { source, limits } = this.#parts
    const timeout = limits.timeoutMs
    let live = await this.discover()
    // A person may have approved the change since.
    if (blocking(live, tool)) live = await this.discover(true)
    const change = blocking(live, tool)
    if (change) {
      const what = change.change === 'changed' ? `its ${change.parts.join(' and ')} changed` : `it was ${change.change}`
      throw failure('mcp.changed', { server: source, tool, what })
    }
    if (!live.forms.has(tool)) throw failure('mcp.changed', { server: source, tool, what: 'it is gone' })
    signal.throwIfAborted()
    const { ProtocolError } = await loadClientSdk()
    const output = live.tools.find(({ name }) => name === tool)?.outputSchema as Json | undefined
    // An unusable schema is found before the call, which may have side effects.
    if (output !== undefined) await this.#parts.evaluator.check(`mcp:${source}`, output)
    let result: CallToolResult
    try {
      result = await live.client.callTool({ name: tool, arguments: args }, { signal, timeout })
    } catch (error) {
      if (error instanceof ProtocolError)
        throw failure('tool.failed', { tool: `${source}/${tool}`, problem: short(error.message) }, { cause: error })
      if (signal.aborted) throw error
      const rejection = notProcessedReason(error)
      if (rejection !== undefined) {
        if (await this.#shouldReconnect(live.client, error, isRetry)) return this.#call(tool, args, signal, true)
        throw failure('mcp.unreachable', { server: source, problem: rejection }, { cause: error })
      }
      const reason =
        error instanceof Error ? ` (${short(error.message.replaceAll(/\s+/g, ' ').replace(/\.$/, ''), 200)})` : ''
      const problem = `the server took the call and gave no answer that can be read${reason}`
      throw failure('outcome.unknown', { what: `The call of ${source}/${tool}`, problem }, { cause: error })
    }
    checkSize(`${source}/${tool}`, result, limits.resultLimit)
    if (output !== undefined && !result.isError) await this.#checkResult(tool, output, result)
    return result
  }

  async #checkResult(tool: string, output: Json, { structuredContent }: CallToolResult): Promise<void> {
    const { source, evaluator, limits } = this.#parts
    const mismatch = await evaluator.check(`mcp:${source}`, output, structuredContent as Json, limits.resultLimit)
    if (mismatch === undefined) return
    const problem = short(`its result does not fit the schema that it declares: ${mismatch}`)
    throw failure('tool.failed', { tool: `${source}/${tool}`, problem })
  }

  async #read(): Promise<Live> {
    const { platform, source, pins, evaluator } = this.#parts
    const { clock, random } = platform
    if (this.#ends.signal.aborted)
      throw failure('mcp.unreachable', { server: source, problem: 'its tools were closed' })
    if (clock.monotonic() < this.#notBefore)
      throw failure('mcp.unreachable', {
        server: source,
        problem: 'it failed just now; the next attempt is allowed in a moment',
      })
    const work = evaluator.chargedWork(`mcp:${source}`)
    // A server that has used up its budget is not asked.
    await work(() => {})
    const announced = this.#announced
    const approvals = this.#parts.pins.approvals()
    try {
      const { client, tools } = await this.#listed()
      const forms = new Map<string, ToolForm>()
      for (const tool of tools) forms.set(tool.name, await work(() => toolFormOf(tool)))
      const compared = await pins.compare([...forms.values()], work)
      const unapproved = compared.filter(({ change }) => change === 'unapproved')
      const changes = compared.filter(({ change }) => change !== 'unapproved')
      this.#failures = 0
      const live = { client, tools, forms, changes, unapproved, until: clock.monotonic() + freshMs, approvals }
      // The connection may already be closed, and the list may have changed while its tools were compared.
      if (this.#client === client && this.#announced === announced) this.#live = live
      return live
    } catch (error) {
      if (error instanceof TroupeError) throw error
      this.#notBefore = clock.monotonic() + backoffDelay(backoff, ++this.#failures, random)
      const problem = short(error instanceof Error ? error.message : String(error))
      throw failure('mcp.unreachable', { server: source, problem }, { cause: error })
    }
  }

  async #listed(isRetry = false): Promise<{ readonly client: Client; readonly tools: readonly WireTool[] }> {
    const client = await this.#connected()
    try {
      const [timeout, signal] = [this.#parts.limits.timeoutMs, this.#ends.signal]
      const { tools } = await client.listTools(undefined, { timeout, signal, cacheMode: 'refresh' })
      if (tools.length > maxTools) throw new Error(`it lists more than ${maxTools} tools`)
      return { client, tools: distinct(tools) }
    } catch (error) {
      if (await this.#shouldReconnect(client, error, isRetry)) return this.#listed(true)
      throw error
    }
  }

  /** Closes a lost connection. @returns whether to retry on a new one */
  async #shouldReconnect(client: Client, error: unknown, isRetry: boolean): Promise<boolean> {
    if (!isConnectionGone(error)) return false
    if (this.#client === client) {
      this.#client = undefined
      this.#live = undefined
      await client.close().catch(() => {})
    }
    return !isRetry
  }

  async #connected(): Promise<Client> {
    if (this.#client) return this.#client
    const over = { client: undefined as Client | undefined }
    const client = await this.#parts.open({
      signal: this.#ends.signal,
      listed: (deliver) => this.#parts.evaluator.charge(`mcp:${this.#parts.source}`, deliver),
      changed: () => {
        this.#announced++
        this.#live = undefined
      },
      closed: () => {
        if (this.#client !== over.client) return
        this.#client = undefined
        this.#live = undefined
      },
    })
    over.client = client
    this.#client = client
    return client
  }
}

/** @throws CapacityError `mcp.too_large` */
function checkSize(tool: string, { structuredContent, content }: CallToolResult, limit: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(structuredContent ?? content))
  if (bytes > limit) throw failure('mcp.too_large', { tool, bytes, limit })
}

const unreachable: ReadonlySet<string> = new Set(['mcp.unreachable', 'outcome.unknown'])
const answered: ReadonlySet<string> = new Set(['tool.failed', 'mcp.too_large'])
const short = (text: string, length = 500) => (text.length > length ? `${truncateText(text, length)}…` : text)
const blocking = ({ changes }: Seen, tool: string) => changes.find((change) => change.tool === tool)
