/** The team over its topology: the Coordinator asks the others, each of whom answers to it. */
import { defineTopology } from 'troupe'
import type { SearchIndex } from '../documents/index.ts'
import { createAnalyst } from './analyst.ts'
import { createCoordinator } from './coordinator.ts'
import type { TeamModel } from './model-of.ts'
import { createPlanner } from './planner.ts'
import { createResearcher } from './researcher.ts'
import { createReviewer } from './reviewer.ts'
import type { ProjectOf } from './shared.ts'
import { createWriter } from './writer.ts'

export interface TeamOptions {
  readonly index: SearchIndex
  readonly model: TeamModel
  /** Names the project in the shared context; the run's own id by default. */
  readonly project?: string
}

/**
 * @example
 * const { topology, config } = createTeam({ index, model: 'offline/extractive' })
 * const run = await user.orchestra.start({ task: project, topology, config })
 */
export function createTeam({ index, model, project }: TeamOptions) {
  const projectOf: ProjectOf = ({ runId = 'none' }) => ({ run: project ?? runId })
  const coordinator = createCoordinator(index, projectOf)
  const members = [
    createPlanner(model),
    createResearcher(model, index, projectOf),
    createAnalyst(projectOf),
    createWriter(model),
    createReviewer(index, projectOf),
  ]
  const agents = [coordinator, ...members]
  return {
    agents,
    topology: defineTopology({
      nodes: [
        { name: 'Start', kind: 'start' },
        { name: 'Coordinator', kind: 'agent', agent: coordinator, onFailure: 'collect' },
        ...members.map((agent) => ({ name: agent.name, kind: 'agent' as const, agent })),
        { name: 'End', kind: 'end' },
      ],
      edges: [
        { from: 'Start', to: 'Coordinator', type: 'invoke' },
        // A query calls and returns: whoever is asked can only answer.
        ...members.map((agent) => ({ from: 'Coordinator', to: agent.name, type: 'query' as const })),
        { from: 'Coordinator', to: 'End', type: 'invoke' },
      ],
    }),
    config: {
      budget: { steps: 80, time: '6h' as const },
      deadline: '2h' as const,
      timeouts: { model: '10m' as const, tool: '1m' as const },
    },
  }
}
