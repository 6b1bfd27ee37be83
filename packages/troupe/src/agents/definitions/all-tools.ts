/** The tools of an agent in one step: those of its definition, and the present tools of its sources. */
import type { Json, Recording, TaintLabel } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { SourceTools, Tool, ToolSource } from '../../tools/index.ts'
import type { Services } from '../services-port.ts'
import type { LlmDefinition } from './llm-definition.ts'

/**
 * The sources are read concurrently and their tools are recorded, so that a repeated execution reads no source and offers the same
 * tools. A tool of the definition takes precedence over a tool of a source with the same name.
 * @throws the error of a source that cannot be reached
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
  { external: { toolSources, recording } }: Services,
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
