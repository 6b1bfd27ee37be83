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

/** @throws CliError that names the files, for agents of one name in two sources */
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
    { source: loaded.file ?? 'the configuration', agents: config.agents ?? [] },
    { source: join(cwd, 'agents'), agents },
    { source: file ?? '', agents: read?.agents ?? [] },
  ])
  const merged = {
    ...config,
    agents: [...(config.agents ?? []), ...agents, ...(read?.agents ?? [])],
    ...(read ? { teams: { ...(named === undefined ? config.teams : {}), [read.name]: read.topology } } : {}),
  }
  return { ...loaded, config: withOrigins(merged as TroupeConfig, { effectiveValues }) }
}

interface AgentsOfSource {
  /** A file or a folder. */
  readonly source: string
  readonly agents: readonly Definition[]
}

function checkNames(sources: readonly AgentsOfSource[]): void {
  const known = new Map<string, { readonly source: string; readonly agent: Definition }>()
  for (const { source, agents } of sources)
    for (const agent of agents) {
      const other = known.get(agent?.name)
      if (other && other.agent !== agent)
        throw misused(`The agent ${agent.name} is in ${other.source} and in ${source}.`, 'Rename one of them.')
      known.set(agent?.name, { source, agent })
    }
}
