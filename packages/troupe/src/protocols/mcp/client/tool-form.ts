/** A tool of a server as it is pinned: all that a model is told of it, and what it takes and gives. */
import type { Tool as WireTool } from '@modelcontextprotocol/client'
import type { Json } from '../../../core/index.ts'
import type { ToolForm } from '../../../security/index.ts'

/** What models are told a tool is for. */
export const descriptionOf = ({ description, title }: WireTool): string => description || title || ''

const json = (value: unknown): Json => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json))

export const toolFormOf = (tool: WireTool): ToolForm => ({
  name: tool.name,
  description: descriptionOf(tool),
  input: json(tool.inputSchema),
  output: json(tool.outputSchema),
  annotations: json(tool.annotations),
})

/** Pins stand under it in the database. */
const canBePinned = (name: string) => name !== '' && name.isWellFormed() && !name.includes('\0')

/** One of each name: what is pinned must be what is offered, and a call says no more than the name. */
export function distinct(tools: readonly WireTool[]): readonly WireTool[] {
  const first = new Map<string, WireTool>()
  for (const tool of tools) if (canBePinned(tool.name) && !first.has(tool.name)) first.set(tool.name, tool)
  return [...first.values()]
}
