/** Adds the agents of the folder `agents/` and the file of a team to the configuration. */
import { type LoadedConfig, type TroupeConfig, withOrigins } from '../../configuration/index.ts'
import { readAgentsFolder } from './read-agents-folder.ts'
import { readTeamFile } from './team-file.ts'

interface TeamFiles {
  /** The team that a command runs, in place of those of the configuration. */
  readonly named?: string | undefined
  /** A team beside those of the configuration. */
  readonly beside?: string | undefined
}

export async function withTeams(
  loaded: LoadedConfig,
  cwd: string,
  { named, beside }: TeamFiles = {},
): Promise<LoadedConfig> {
  const file = named ?? beside
  const [agents, read] = await Promise.all([readAgentsFolder(cwd), file === undefined ? undefined : readTeamFile(file)])
  if (agents.length === 0 && !read) return loaded
  const { config, effectiveValues } = loaded
  const merged = {
    ...config,
    agents: [...(config.agents ?? []), ...agents, ...(read?.agents ?? [])],
    ...(read ? { teams: { ...(named === undefined ? config.teams : {}), [read.name]: read.topology } } : {}),
  }
  return { ...loaded, config: withOrigins(merged as TroupeConfig, { effectiveValues }) }
}
