/** The form of a command: its name, arguments, options and function. */
import type { LoadedConfig } from '../configuration/index.ts'
import type { TeamReference } from '../runs/index.ts'
import { type ExitCode, misused } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import type { Output } from './output/output.ts'
import type { CliClient } from './transport/cli-client.ts'

export type Options = Readonly<Record<string, unknown>>

export interface CommandContext {
  readonly flags: GlobalFlags
  readonly out: Output
  /** Aborts with Ctrl-C. */
  readonly signal: AbortSignal
  /** True if a person can answer questions. */
  readonly interactive: boolean
  config(): Promise<LoadedConfig>
  /** Returns the configuration with the folder `agents/`. */
  withTeams(): Promise<LoadedConfig>
  /** Opened once, closed when the command ends. */
  client(options?: ConnectOptions): Promise<CliClient>
}

export interface ConnectOptions {
  /** True loads the agents of the configuration, so that their interrupted runs continue in this process. */
  readonly code?: boolean
  /** The file of a team. */
  readonly team?: string
  /** Acts for the application, because `--agent` is an option of the command itself. */
  readonly asApplication?: true
  /** How to handle a missing database file: create it, or use memory instead; if absent, the command fails. */
  readonly absent?: 'made' | 'memory'
  /** The teams that the command names; an unknown one creates no database. */
  readonly teams?: readonly TeamReference[]
}

export interface CliCommand {
  /** The words after `troupe`, for example `runs list`. */
  readonly name: string
  readonly parameters?: string
  readonly description: string
  readonly options?: readonly (readonly [flags: string, description: string])[]
  /** Works only on this machine: naming a server is an error. */
  readonly here?: true
  /** The command of its group if none is named, as in `troupe audit --incidents`. It takes no arguments. */
  readonly standard?: true
  /** Executes the command. @returns the exit code; 0 without one */
  run(context: CommandContext, args: readonly string[], options: Options): CommandEnd
}

export type CommandEnd = Promise<ExitCode | undefined> | Promise<void>

/** @throws CliError if the value is not an integer of at least `least` */
export function integerOption(options: Options, name: string, standard: number, least = 0): number {
  const value = amount(options, name)
  if (value === undefined) return standard
  if (!Number.isInteger(value)) throw misused(`${flagOf(name)} takes a whole number, and got ${value}.`)
  if (value < least) throw misused(`${flagOf(name)} must be at least ${least}, got ${value}.`)
  return value
}
/** @throws CliError if the value is not a number from 0 to 1 */
export function shareOption(options: Options, name: string): number | undefined {
  const share = amount(options, name)
  if (share !== undefined && share > 1) throw misused(`${flagOf(name)} takes a number from 0 to 1, and got ${share}.`)
  return share
}
/** @throws CliError if the value is not a number of at least 0 */
export function amount(options: Options, name: string): number | undefined {
  const value = options[name]
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(String(value))) return Number(value)
  throw misused(`${flagOf(name)} takes a number, and got ${value}.`)
}
const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
export const text = (options: Options, name: string): string | undefined => {
  const value = options[name]
  return value === undefined ? undefined : String(value)
}
/** Returns one of the words that an operation accepts. The server rejects others and lists the accepted ones. */
export const choice = <Word extends string>(options: Options, name: string): Word | undefined =>
  text(options, name) as Word | undefined
/** `a,b` */
export const listed = (options: Options, name: string): readonly string[] | undefined =>
  text(options, name)?.split(',').filter(Boolean)
/** The paging options of commands that list. */
export const pagingOptions = (standard: number) =>
  [
    ['--limit <n>', `The maximal number of results (default: ${standard})`],
    ['--all', 'All results'],
  ] as const
/** @throws CliError for a limit of 0: an empty list would say that there is nothing */
export function listLimit(options: Options, standard: number): number {
  const limit = integerOption(options, 'limit', standard, 1)
  return options.all === true ? Number.POSITIVE_INFINITY : limit
}
