/** The pinned form of a tool: name, description, input and output schema, and annotations. */
import type { Tool as WireTool } from '@modelcontextprotocol/client'
import type { Json } from '../../../core/index.ts'
import type { ToolForm } from '../../../security/index.ts'

/** Returns the description of a tool for models: its description, otherwise its title. */
export const descriptionOf = ({ description, title }: WireTool): string => description || title || ''

const json = (value: unknown): Json => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json))

export const toolFormOf = (tool: WireTool): ToolForm => ({
  name: tool.name,
  description: descriptionOf(tool),
  input: json(tool.inputSchema),
  output: json(tool.outputSchema),
  annotations: json(tool.annotations),
})

const maxNameLength = 1_024

/** Whether a name can be the key of a pin in the database. */
const canBePinned = (name: string) =>
  name !== '' && name.length <= maxNameLength && name.isWellFormed() && !name.includes('\0')

/** Removes tools with a repeated or unusable name, because pins and calls identify a tool by its name. */
export function distinct(tools: readonly WireTool[]): readonly WireTool[] {
  const first = new Map<string, WireTool>()
  for (const tool of tools) if (canBePinned(tool.name) && !first.has(tool.name)) first.set(tool.name, tool)
  return [...first.values()]
}
