/** Adds the agents of the folder `agents/` and the file of a team to the configuration. */
import { join } from 'node:path'
import { type LoadedConfig, type TroupeConfig, withOrigins } from '../../configuration/index.ts'
import { misused } from '../exit-codes.ts'
import { readAgentsFolder } from './read-agents-folder.ts'
import { type Definition, readTeamFile } from './team-file.ts'

interface TeamFiles {
  /** The team that a command runs, in place of those of the configuration. */
  readonly named?: string | undefined
  /** A team beside those of the configuration. */
  readonly beside?: string | undefined
}

/** @throws CliError that names the files, for agents of one name in two places */
export async function withTeams(
  loaded: LoadedConfig,
  cwd: string,
  { named, beside }: TeamFiles = {},
): Promise<LoadedConfig> {
  const file = named ?? beside
  const [agents, read] = await Promise.all([readAgentsFolder(cwd), file === undefined ? undefined : readTeamFile(file)])
  if (agents.length === 0 && !read) return loaded
  const { config, effectiveValues } = loaded
  checkNames([
    { place: loaded.file ?? 'the configuration', agents: config.agents ?? [] },
    { place: join(cwd, 'agents'), agents },
    { place: file ?? '', agents: read?.agents ?? [] },
  ])
  const merged = {
    ...config,
    agents: [...(config.agents ?? []), ...agents, ...(read?.agents ?? [])],
    ...(read ? { teams: { ...(named === undefined ? config.teams : {}), [read.name]: read.topology } } : {}),
  }
  return { ...loaded, config: withOrigins(merged as TroupeConfig, { effectiveValues }) }
}

interface AgentsOfPlace {
  /** A file or a folder. */
  readonly place: string
  readonly agents: readonly Definition[]
}

function checkNames(places: readonly AgentsOfPlace[]): void {
  const known = new Map<string, { readonly place: string; readonly agent: Definition }>()
  for (const { place, agents } of places)
    for (const agent of agents) {
      const other = known.get(agent?.name)
      if (other && other.agent !== agent)
        throw misused(`The agent ${agent.name} is in ${other.place} and in ${place}.`, 'Rename one of them.')
      known.set(agent?.name, { place, agent })
    }
}
