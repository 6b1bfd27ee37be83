/** The tools that an agent has in one step: those of its definition, and what its sources have now. */
import type { Json, Recording, TaintLabel } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { SourceTools, Tool, ToolSource } from '../../tools/index.ts'
import type { Services } from '../services-port.ts'
import type { LlmDefinition } from './llm-definition.ts'

/**
 * The sources are asked at once. What they have is recorded: a step that is entered again asks nobody, and offers its model
 * the same. A tool of the definition stands before one of a source that is called alike.
 * @throws what a source cannot be reached with
 */
export async function allTools(
  { tools, sources }: LlmDefinition,
  { recorder, services }: { readonly recorder: Recorder; readonly services: Services },
): Promise<ReadonlyMap<string, Tool>> {
  if (sources.length === 0) return tools
  const listed = await Promise.all(sources.map((source) => listOf(source, recorder, services)))
  const all = new Map(tools)
  for (const [i, { tools: offered, describedByOthers }] of listed.entries()) {
    for (const tool of offered) if (!all.has(tool.name)) all.set(tool.name, tool)
    if (describedByOthers) recorder.addTaint([`untrusted:${(sources[i] as ToolSource).untrusted}` as TaintLabel])
  }
  return all
}

async function listOf(
  source: ToolSource,
  recorder: Recorder,
  { toolSources, recording }: Services,
): Promise<SourceTools> {
  const name = `tools of ${source.name}`
  const listed = await recorder.effect<Json>(name, { class: 'read', input: source.settings }, ({ signal }) =>
    played(recording, { kind: 'effect', name, request: { input: source.settings }, signal }, async () => {
      const { listed } = await toolSources.open(source).discover()
      return listed
    }),
  )
  return toolSources.open(source).toolsOf(listed)
}

const played = (
  recording: Recording | undefined,
  traffic: Parameters<Recording['play']>[0],
  ask: () => Promise<Json>,
) => (recording ? recording.play(traffic, ask) : ask())
