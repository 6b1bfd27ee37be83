/** The tools of somebody else's server as a host sees them: what there is, what waits, and to say that it may. */
import { listOf } from '../../../core/index.ts'
import type { ToolChange } from '../../../security/index.ts'
import { partsIn, type Troupe } from '../../../startup/index.ts'
import { isToolSource, type Tool, type ToolSource } from '../../../tools/index.ts'
import { defineMcpTools, type McpToolsOptions } from './define-mcp-tools.ts'

export interface McpTools extends AsyncDisposable {
  /** Those that are as they were pinned, for `tools` of an LlmAgent. */
  readonly tools: readonly Tool[]
  /** Those that wait for `approveMcpTools`. */
  readonly changes: readonly ToolChange[]
  /** Offered as they were first seen; a step that is offered them carries the label of the server until they are approved. */
  readonly unapproved: readonly ToolChange[]
  /** Ends the connection, and the program of the server. The troupe does it when it closes. */
  close(): Promise<void>
}

/**
 * Connects to a server now, or looks at one that agents have, and gives its tools and what waits for approval.
 * @param source what `defineMcpTools` gave or takes
 * @throws ValidationError for a wrong option; ExternalServiceError `mcp.unreachable`
 * @example
 * const { changes } = await mcpTools(troupe, files)
 * for (const { tool, change, form } of changes) console.log(tool, change, form.description)
 */
export async function mcpTools(troupe: Troupe, source: ToolSource | McpToolsOptions): Promise<McpTools> {
  const toolSource = isToolSource(source) ? source : defineMcpTools(source)
  const { toolSources } = partsIn(troupe)
  const close = () => toolSources.end(toolSource)
  const opened = toolSources.open(toolSource)
  try {
    const { listed, changes, unapproved } = await opened.discover()
    const { tools } = await opened.toolsOf(listed)
    return { tools, changes, unapproved, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    // What agents have is tried again by them.
    if (!isToolSource(source)) await close()
    throw error
  }
}

/**
 * Approves tools as they were shown, and pins changed ones: what changes again afterwards waits again. They are offered and called from the
 * next step on.
 * @example await approveMcpTools(troupe, [...changes, ...unapproved].filter(({ tool }) => tool === 'search'))
 */
export async function approveMcpTools(troupe: Troupe, changes: readonly ToolChange[]): Promise<void> {
  await partsIn(troupe).toolPins.approve(listOf('The changes of approveMcpTools', changes))
}
