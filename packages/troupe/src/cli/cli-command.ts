/** What a command is: a name, what it takes, and what it does with the hands it is given. */
import type { LoadedConfig } from '../configuration/index.ts'
import { type ExitCode, misused } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import type { Output } from './output/output.ts'
import type { CliClient } from './transport/cli-client.ts'

export type Options = Readonly<Record<string, unknown>>

export interface CommandContext {
  readonly flags: GlobalFlags
  readonly out: Output
  /** Ends with Ctrl-C. */
  readonly signal: AbortSignal
  /** Somebody is there to answer. */
  readonly interactive: boolean
  config(): Promise<LoadedConfig>
  /** With the folder `agents/`, and the file of a team. */
  withTeams(team?: string): Promise<LoadedConfig>
  /** Opened once, closed when the command ends. */
  client(options?: ConnectOptions): Promise<CliClient>
}

export interface ConnectOptions {
  /** With the agents of the configuration, whose runs go on then. */
  readonly code?: boolean
  /** The file of a team. */
  readonly team?: string
  /** Acts for the application: `--agent` is an option of the command's own. */
  readonly asApplication?: true
  /** Whether a database file that is not there is made, or done without; it is refused where absent. */
  readonly absent?: 'made' | 'memory'
}

export interface CliCommand {
  /** `runs list`: words after `troupe`, then what it takes, as commander writes it. */
  readonly name: string
  readonly parameters?: string
  readonly description: string
  readonly options?: readonly (readonly [flags: string, description: string])[]
  /** Works on this machine alone: a server that is named for it is refused, and not passed over. */
  readonly here?: true
  /** What its group does where no other is named, as in `troupe audit --incidents`; it takes nothing. */
  readonly standard?: true
  /** @returns how the process ends; 0 where nothing is returned */
  run(context: CommandContext, args: readonly string[], options: Options): Promise<ExitCode | undefined>
}

/** @throws CliError for what is no number from 0 */
export function integerOption(options: Options, name: string, standard: number): number {
  const value = amount(options, name)
  if (value === undefined) return standard
  if (!Number.isInteger(value)) throw misused(`${flagOf(name)} takes a whole number, and got ${value}.`)
  return value
}
/** @throws CliError for what is no number from 0 */
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
/** One of the words that an operation takes: the server says which, where it is none of them. */
export const choice = <Word extends string>(options: Options, name: string): Word | undefined =>
  text(options, name) as Word | undefined
/** `a,b` */
export const listed = (options: Options, name: string): readonly string[] | undefined =>
  text(options, name)?.split(',').filter(Boolean)
/** What is asked for of a list. */
export const pagingOptions = (standard: number) =>
  [
    ['--limit <n>', `at most so many (default: ${standard})`],
    ['--all', 'all there are'],
  ] as const
/** @throws CliError for a limit of 0: an empty list would say that there is nothing */
export function listLimit(options: Options, standard: number): number {
  const limit = integerOption(options, 'limit', standard)
  if (limit < 1) throw misused('--limit must be at least 1, got 0.')
  return options.all === true ? Number.POSITIVE_INFINITY : limit
}
