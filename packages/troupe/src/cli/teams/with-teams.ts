/** Adds the agents of the folder `agents/` and the file of a team to the configuration. */
import { type LoadedConfig, type TroupeConfig, withOrigins } from '../../configuration/index.ts'
import { readAgentsFolder } from './read-agents-folder.ts'
import { readTeamFile } from './team-file.ts'

export async function withTeams(loaded: LoadedConfig, cwd: string, team?: string): Promise<LoadedConfig> {
  const agents = await readAgentsFolder(cwd)
  const read = team === undefined ? undefined : await readTeamFile(team)
  if (agents.length === 0 && !read) return loaded
  const { config, effectiveValues } = loaded
  const merged = {
    ...config,
    agents: [...(config.agents ?? []), ...agents, ...(read?.agents ?? [])],
    // A team that was named is the one that runs.
    ...(read ? { teams: { [read.name]: read.topology } } : {}),
  }
  return { ...loaded, config: withOrigins(merged as TroupeConfig, { effectiveValues }) }
}
