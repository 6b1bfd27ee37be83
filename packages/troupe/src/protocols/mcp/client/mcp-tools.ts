/** The tools of an MCP server for the application: listing them, the unapproved ones, and approving them. */
import { listOf } from '../../../core/index.ts'
import type { ToolChange } from '../../../security/index.ts'
import { partsIn, type Troupe } from '../../../startup/index.ts'
import { isToolSource, type Tool, type ToolSource } from '../../../tools/index.ts'
import { defineMcpTools, type McpToolsOptions } from './define-mcp-tools.ts'

/** The tools of an MCP server, as `mcpTools` returns them. */
export interface McpTools extends AsyncDisposable {
  /** The tools that are as they were pinned, for `tools` of an LlmAgent. */
  readonly tools: readonly Tool[]
  /** The changes that wait for `approveMcpTools`. */
  readonly changes: readonly ToolChange[]
  /**
   * The tools that are offered as they were first seen. A step that is offered them carries the label of the server
   * until they are approved.
   */
  readonly unapproved: readonly ToolChange[]
  /** Ends the connection, and the program of the server. Closing the troupe does it too. */
  close(): Promise<void>
}

/**
 * Connects to an MCP server, or uses the connection that agents have, and returns its tools and the changes that wait
 * for approval.
 * @param source the result or the options of `defineMcpTools`
 * @throws ValidationError for an invalid option; ExternalServiceError `mcp.unreachable`
 * @example
 * const { changes } = await mcpTools(troupe, files)
 * for (const { tool, change, form } of changes) console.log(tool, change, form.description)
 */
export async function mcpTools(troupe: Troupe, source: ToolSource | McpToolsOptions): Promise<McpTools> {
  const toolSource = isToolSource(source) ? source : defineMcpTools(source)
  const { toolSources } = partsIn(troupe).tools
  const close = () => toolSources.end(toolSource)
  const opened = toolSources.open(toolSource)
  try {
    const { listed, changes, unapproved } = await opened.discover()
    const { tools } = await opened.toolsOf(listed)
    return { tools, changes, unapproved, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    // The connection of agents stays open, because they retry.
    if (!isToolSource(source)) await close()
    throw error
  }
}

/**
 * Approves tools as they were shown, and pins changed ones: what changes again afterwards waits again. They are offered
 * and called from the next step on.
 * @example await approveMcpTools(troupe, [...changes, ...unapproved].filter(({ tool }) => tool === 'search'))
 */
export async function approveMcpTools(troupe: Troupe, changes: readonly ToolChange[]): Promise<void> {
  await partsIn(troupe).tools.toolPins.approve(listOf('The changes of approveMcpTools', changes))
}
