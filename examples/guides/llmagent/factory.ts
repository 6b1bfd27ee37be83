/** Agents by kind and configuration, as they stand in a file; a kind that nobody registered is refused with the known ones. */
import { AgentFactory, LlmAgent } from 'troupe'

interface AgentConfig {
  readonly name: string
  readonly temperature?: number
}
const ofKind =
  (instructions: string) =>
  ({ name, temperature = 0.7 }: AgentConfig) =>
    new LlmAgent({ name, instructions, model: 'offline/extractive', settings: { temperature } })

export const factory = () =>
  new AgentFactory<LlmAgent>()
    .register('research', ofKind('You gather information.'))
    .register('analysis', ofKind('You find patterns.'))
    .register('writing', ofKind('You write.'))
    .register('coordination', ofKind('You lead the others.'))

export async function main() {
  const agents = factory()
  const research = await agents.create('research', { name: 'ResearchBot' })
  const fromFile = await agents.create({ kind: 'analysis', config: { name: 'AnalysisBot', temperature: 0 } })
  const unknown = await agents.create('cooking' as never, { name: 'X' }).catch((error: Error) => error.message)
  return { names: [research.name, fromFile.name], kinds: agents.kinds(), unknown }
}

if (import.meta.main) console.log(await main())
