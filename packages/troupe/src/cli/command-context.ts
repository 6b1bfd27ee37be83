/** The resources of a command, opened at the first use and closed at its end. */
import type { LoadedConfig } from '../configuration/index.ts'
import type { CommandContext } from './cli-command.ts'
import { CliError, exitCodes, misused } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import { Output } from './output/output.ts'
import { type CliClient, createCliClient } from './transport/cli-client.ts'
import type { OpenOptions } from './transport/open-transport.ts'

export interface OpenCommandContext extends CommandContext, AsyncDisposable {
  /** Whether the configuration, as far as it was read, has `debug`. */
  readonly debugs: boolean
  /** The secrets of the configuration, as far as it was read. */
  readonly secrets: readonly string[]
}

export function openCommandContext(input: GlobalFlags, signal: AbortSignal): OpenCommandContext {
  const { TROUPE_URL, TROUPE_USER, CI } = process.env
  const flags = {
    ...(TROUPE_URL ? { url: TROUPE_URL } : {}),
    ...(TROUPE_USER ? { user: TROUPE_USER } : {}),
    ...input,
  }
  const out = new Output({ out: process.stdout, error: process.stderr }, flags.json === true)
  let loaded: Promise<LoadedConfig> | undefined
  let opening: Promise<CliClient> | undefined
  let client: CliClient | undefined
  let debugs = false
  let secrets: readonly string[] = []
  const read = async () => {
    const found = await load(flags)
    const { secretsOf } = await import('../configuration/index.ts')
    secrets = secretsOf(found)
    // Production refuses it.
    debugs = found.config.debug === true && found.config.profile !== 'production'
    return found
  }
  const config = () => {
    loaded ??= read()
    return unlessStopped(signal, loaded)
  }
  const readTeams = async (team: string | undefined) => {
    const teams = await import('./teams/with-teams.ts')
    return teams.withTeams(await config(), process.cwd(), { named: team, beside: flags.teamFile })
  }
  const withTeams = (team?: string) => unlessStopped(signal, readTeams(team))
  return {
    flags,
    out,
    signal,
    interactive: process.stdin.isTTY && process.stdout.isTTY && !out.json && !CI,
    config,
    withTeams,
    get debugs() {
      return debugs
    },
    get secrets() {
      return secrets
    },
    async client({ code = false, team, absent, teams, asApplication } = {}) {
      const { agent: _, ...application } = flags
      opening ??= open(asApplication ? application : flags, signal, {
        code,
        absent,
        teams,
        config: async () => usable(await (code ? withTeams(team) : config())),
      })
      client = await unlessStopped(signal, opening)
      // A server would run its own team of this name.
      const file = team ?? (code ? flags.teamFile : undefined)
      if (file !== undefined && client.remote)
        throw misused(
          `${file} is a file here, and ${client.location} knows the teams of its own configuration alone.`,
          'Name one of those, or run the file beside it with --storage memory: and no --url.',
        )
      return client
    },
    async [Symbol.asyncDispose]() {
      await client?.[Symbol.asyncDispose]()
    },
  }
}

/**
 * A configuration that never settles and a database that does not answer can be left with Ctrl-C too.
 * @throws AbortError with it
 */
export async function unlessStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  using stop = new DisposableStack()
  const stopped = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort)
    stop.defer(() => signal.removeEventListener('abort', abort))
  })
  return await Promise.race([work, stopped])
}

async function load({ config: file, storage, profile }: GlobalFlags): Promise<LoadedConfig> {
  const { loadConfig } = await import('../configuration/index.ts')
  const flags = {
    ...(storage === undefined ? {} : { 'storage.url': storage }),
    ...(profile === undefined ? {} : { profile }),
  }
  return loadConfig({ flags, ...(file === undefined ? {} : { file }) })
}

async function open(flags: GlobalFlags, signal: AbortSignal, options: Omit<OpenOptions, 'flags'>): Promise<CliClient> {
  const { user, agent } = flags
  // No header carries them.
  for (const name of [user, agent])
    if (name !== undefined && /\p{Cc}|^ | $/u.test(name))
      throw misused(
        `${JSON.stringify(name)} has control characters or spaces at its ends, which --user and --agent do not take.`,
      )
  const { openTransport } = await import('./transport/open-transport.ts')
  const { transport, key } = await openTransport({ flags, ...options })
  try {
    return createCliClient(transport, { key, user, agent, signal })
  } catch (error) {
    await transport[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * The configuration of a command that works on its storage.
 * @throws CliError with all that is wrong; where TROUPE_URL names a server, which would be passed over
 */
export async function loadStorageConfig({ flags, config }: CommandContext): Promise<LoadedConfig> {
  if (flags.url !== undefined && flags.storage === undefined)
    throw misused(
      `TROUPE_URL names the server ${flags.url}, and this command asks none: it works on the storage of the configuration here.`,
      'Unset TROUPE_URL, or name the storage that is meant with --storage.',
    )
  return usable(await config())
}

/** @throws CliError with all that is wrong */
export function usable(loaded: LoadedConfig): LoadedConfig {
  const [first, ...others] = loaded.problems
  if (!first) return loaded
  const all = [first, ...others].map(({ message, hint }) => (hint ? `${message} ${hint}` : message))
  if (others.length > 0)
    throw new CliError(`The configuration has ${all.length} problems:\n- ${all.join('\n- ')}`, {
      exit: exitCodes.usage,
      code: 'config.wrong',
    })
  throw new CliError(first.message, {
    exit: exitCodes.usage,
    code: first.code,
    ...(first.hint ? { hint: first.hint } : {}),
  })
}
