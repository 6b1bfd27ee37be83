/** Checks the teams of a command before it creates a database. */
import type { LoadedConfig } from '../../configuration/index.ts'
import type { TeamReference } from '../../runs/index.ts'
import { requireConfig } from './missing-config.ts'

/** @throws NotFoundError `team.unknown` with the nearest name; CliError if the configuration is missing */
export async function requireTeams(loaded: LoadedConfig, teams: readonly TeamReference[]): Promise<void> {
  requireConfig(loaded, true)
  const [{ agentsByName, compiledTeams }, { resolveTeam }] = await Promise.all([
    import('../../configuration/index.ts'),
    import('../../runs/index.ts'),
  ])
  const { agents = [], teams: named = {} } = loaded.config
  const known = { agents: agentsByName(agents), teams: compiledTeams(named) }
  for (const team of teams) resolveTeam(known, team, 'The command')
}
