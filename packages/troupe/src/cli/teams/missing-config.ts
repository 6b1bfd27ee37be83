/** A folder without a configuration: its troupe has no agents and no teams. */
import { resolve } from 'node:path'
import type { LoadedConfig } from '../../configuration/index.ts'
import { misused } from '../exit-codes.ts'

/** @returns the problem if there is neither a configuration nor agents; otherwise undefined */
export function missingConfig({ file, config, teams }: LoadedConfig): string | undefined {
  const names = Object.keys({ ...teams, ...config.teams })
  if (file !== undefined || (config.agents ?? []).length > 0 || names.length > 0) return undefined
  return `There is no troupe.config.ts in ${resolve('.')}: this troupe has no agents and no teams.`
}

export const missingConfigRemedy = '`troupe init` makes one that runs without a key; --config names one elsewhere.'

/**
 * @throws CliError if the configuration is missing; if a storage is named, only after it was opened here, not by a
 * server
 */
export function requireConfig(loaded: LoadedConfig, isOpened: boolean): void {
  const problem = missingConfig(loaded)
  const isNamed = Object.entries(loaded.origins).some(
    ([path, { source }]) => path.startsWith('storage.') && source !== 'default',
  )
  if (problem !== undefined && (isOpened || !isNamed)) throw misused(problem, missingConfigRemedy)
}
