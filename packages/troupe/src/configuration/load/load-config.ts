/**
 * Reads the configuration of a deployment from its file, `.env`, the environment and flags, with the source of each
 * value.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkOptions, checkPath, failure, invalidInput, isObject, objectOf, TroupeError } from '../../core/index.ts'
import { configProblems } from '../check-config.ts'
import { troupeOptions } from '../option-shapes.ts'
import type { ServerConfig } from '../server-config.ts'
import { serverProblems } from '../server-config.ts'
import type { FoundSetting, SettingSource } from '../settings/setting-source.ts'
import { type Team, type TroupeConfig, withOrigins } from '../troupe-config.ts'
import { asObject, composeConfig, defaultsOf } from './compose-config.ts'
import { readConfigFile } from './config-file.ts'
import { readConfigValues, readFlags } from './read-config-values.ts'
import { readVariables, type Variables } from './read-variables.ts'

/** The content of a configuration file: every option of `createTroupe`, each optional. */
export type DeploymentConfig = Partial<TroupeConfig>

/**
 * The configuration in `troupe.config.ts`, with its types. One that names its storage is what `createTroupe` takes, too.
 * @example
 * export default defineConfig({ storage: 'sqlite:./data/troupe.db', log: 'info', server: { port: 8_000 } })
 */
export function defineConfig(config: TroupeConfig): TroupeConfig
export function defineConfig(config: DeploymentConfig): DeploymentConfig
export function defineConfig(config: DeploymentConfig): DeploymentConfig {
  return config
}

/** Options of `loadConfig`. */
export interface LoadConfigOptions {
  /** The folder of `troupe.config.*` and `.env`; that of the process by default. */
  readonly cwd?: string
  /** The environment variables; those of the process by default. */
  readonly env?: Variables
  /**
   * Values by the path of the setting: `{ log: 'debug', 'server.port': 8_080 }`. A text is read like that of a
   * variable.
   */
  readonly flags?: Readonly<Record<string, unknown>>
  /** The path of the configuration file, which must exist; by default `troupe.config.*` in `cwd`, if there is one. */
  readonly file?: string
}

/** The result of `loadConfig`. */
export interface LoadedConfig {
  /** The options for `createTroupe`; if there are problems, without the invalid values. */
  readonly config: TroupeConfig
  /** The options for `serve`. */
  readonly server: ServerConfig
  /** The teams by name. */
  readonly teams: Readonly<Record<string, Team>>
  /** The value and source of each setting, by its path; `showConfig` hides secrets. */
  readonly effectiveValues: ReadonlyMap<string, FoundSetting>
  /** The source of each setting, by its path. */
  readonly origins: Readonly<Record<string, SettingSource>>
  /** All problems; empty if the configuration can be used. The `hint` of each says what to do. */
  readonly problems: readonly TroupeError[]
  /** The path of the file that was read; undefined if there is none. */
  readonly file: string | undefined
}

/**
 * Loads the configuration from its sources, in rising precedence: defaults, the file, `.env`, the environment, flags.
 * Never throws for the content of a source: all problems are returned together.
 * @throws ValidationError for an invalid option of this function
 * @example
 * const { config, problems } = await loadConfig()
 * if (problems.length > 0) throw new AggregateError(problems)
 * const troupe = await createTroupe(config)
 */
export async function loadConfig(options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  checkOptions('loadConfig', options, ['cwd', 'env', 'flags', 'file'])
  const { cwd = process.cwd(), flags = {}, file: wantedFile } = options
  // The environment of the process is no plain object.
  const env = options.env === undefined ? process.env : objectOf('env of loadConfig', options.env)
  objectOf('flags of loadConfig', flags as Readonly<Record<string, unknown>>)
  checkPath('cwd of loadConfig', cwd)
  if (wantedFile !== undefined) checkPath('file of loadConfig', wantedFile)
  const problems: TroupeError[] = []
  const attempt = async <Out>(work: () => Promise<Out>): Promise<Out | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error
      problems.push(error)
      return undefined
    }
  }
  const dotenv = (await attempt(() => readDotenv(cwd))) ?? {}
  const file = await attempt(() => readConfigFile(cwd, wantedFile, { ...dotenv, ...env }))
  const used = file?.used ?? new Set<string>()
  const sources = [
    file ? readConfigValues(file.content, { source: 'file', name: file.path }, troupeOptions) : nothing,
    readVariables(without(dotenv, env), '.env', used),
    readVariables(env, 'environment', used),
    readFlags(flags),
  ]
  const layers = sources.map(({ found }) => found)
  const profile = String(composeConfig(layers).effectiveValues.get('profile')?.value ?? 'development')
  const { effectiveValues, problems: quarrels } = composeConfig([defaultsOf(profile), ...layers])
  problems.push(...sources.flatMap((one) => one.problems), ...quarrels)
  const { server = {}, teams: named = {}, ...rest } = asObject(effectiveValues) as DeploymentConfig
  const teams = asTeams(named, problems)
  if (rest.secrets !== undefined && !Array.isArray(rest.secrets)) {
    problems.push(invalidInput('secrets', 'it is not a list'))
    delete (rest as { secrets?: unknown }).secrets
  }
  const composed = withTeams(withVariables(rest as TroupeConfig, { ...dotenv, ...env }), teams)
  const config = withOrigins(composed, { effectiveValues })
  problems.push(...configProblems(config), ...serverProblems(server, config.profile))
  const origins = Object.fromEntries([...effectiveValues].map(([path, { origin }]) => [path, origin]))
  return { config, server, teams, effectiveValues, origins, problems: once(problems), file: file?.path }
}

const nothing = { found: [] as readonly FoundSetting[], problems: [] }

/** Without changing the environment of the process. */
async function readDotenv(cwd: string): Promise<Variables> {
  const text = await readFile(join(cwd, '.env'), 'utf8').catch((error: unknown) => {
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return undefined
    throw failure('config.unreadable', { path: join(cwd, '.env'), problem: String((error as Error).message) })
  })
  if (text === undefined) return {}
  return (await import('dotenv')).parse(text)
}

const without = (variables: Variables, over: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => over[name] === undefined))

/** Teams that are invalid are omitted, and reported. */
function asTeams(named: unknown, problems: TroupeError[]): Record<string, Team> {
  const wrong = (what: string) => problems.push(invalidInput(what, 'it is not an object'))
  if (!isObject(named)) {
    wrong('teams')
    return {}
  }
  const teams = Object.entries(named).flatMap(([name, team]: [string, unknown]) => {
    if (isObject(team)) return [[name, ('topology' in team ? team : { topology: team }) as unknown as Team] as const]
    wrong(`The team ${name}`)
    return []
  })
  return Object.fromEntries(teams)
}

/** Named secrets are looked for in the variables that were read here, those of `.env` among them. */
const withVariables = (config: TroupeConfig, variables: Variables): TroupeConfig => ({
  ...config,
  secrets: (config.secrets ?? []).map((source) =>
    source === 'environment'
      ? { get: (name: string) => (variables[name] ? { value: variables[name] } : undefined) }
      : source,
  ),
})

/** Adds the teams of the file and the flags to those of the configuration. */
function withTeams(config: TroupeConfig, named: Readonly<Record<string, Team>>): TroupeConfig {
  if (Object.keys(named).length === 0) return config
  return { ...config, teams: { ...named, ...config.teams } }
}

/** Removes repeated problems. */
const once = (problems: readonly TroupeError[]): readonly TroupeError[] => [
  ...new Map(problems.map((problem) => [problem.message, problem])).values(),
]
