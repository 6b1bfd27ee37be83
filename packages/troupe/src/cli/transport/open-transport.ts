/** Finds the troupe of a command: the named server, the server that owns the database, or the storage itself. */
import type { LoadedConfig, TroupeConfig } from '../../configuration/index.ts'
import type { Troupe } from '../../startup/index.ts'
import type { ConnectOptions } from '../cli-command.ts'
import { CliError, commandFailure, exitCodes } from '../exit-codes.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { requireTeams } from '../teams/require-teams.ts'
import type { Transport } from './cli-client.ts'
import { remoteTransport } from './remote-transport.ts'
import { untilAccepted } from './until-accepted.ts'

/** The time in ms within which the server that owns the database must answer. */
const maxAnswerMs = 10_000

export interface OpenOptions {
  readonly flags: GlobalFlags
  readonly config: () => Promise<LoadedConfig>
  /** True loads agents and topologies too, so that their interrupted runs continue here; false executes no runs. */
  readonly code: boolean
  readonly absent: ConnectOptions['absent']
  readonly teams: ConnectOptions['teams']
}

export interface OpenedTransport {
  readonly transport: Transport
  /** The API key for the server. */
  readonly key: string | undefined
}

export async function openTransport(options: OpenOptions): Promise<OpenedTransport> {
  const { flags } = options
  if (flags.url !== undefined) return { transport: remoteTransport(flags.url), key: process.env.TROUPE_API_KEY }
  const loaded = await stored(await options.config(), options.absent)
  const config = options.code ? loaded.config : withoutCode(loaded.config)
  const location = await storageLocationOf(loaded)
  const isNew = options.absent === 'made' && (await isAbsent(loaded.config))
  if (isNew && options.teams) await requireTeams(loaded, options.teams)
  const open = async () => {
    const { withOrigins } = await import('../../configuration/index.ts')
    const { effectiveValues } = loaded
    // The doctor needs the whole configuration, also the parts that this command omits.
    return openLocal(withOrigins(config, { effectiveValues, config: loaded.config, inspectOnly: true }), location)
  }
  try {
    if (!isNew) return { transport: await open(), key: undefined }
    return { transport: untilAccepted(await openRehearsal(config, location, options.code), open), key: undefined }
  } catch (error) {
    const address = ownerOf(error)
    if (address === undefined) throw error
    await needAnswer(address, error as Error)
    const key = process.env.TROUPE_API_KEY ?? loaded.server.key
    return { transport: remoteTransport(address), key: typeof key === 'string' ? key : undefined }
  }
}

/** @throws CliError if the database file is missing and `absent` is undefined */
async function stored(loaded: LoadedConfig, absent: OpenOptions['absent']): Promise<LoadedConfig> {
  if (absent === 'made') return loaded
  if (absent === undefined) {
    await needDatabase(loaded.config)
    return loaded
  }
  return (await isAbsent(loaded.config)) ? { ...loaded, config: inMemory(loaded.config) } : loaded
}

/** In memory, data is lost with the command, so the development profile is harmless also in production. */
const inMemory = (config: TroupeConfig): TroupeConfig => ({ ...config, storage: 'memory:', profile: 'development' })

async function isAbsent(config: TroupeConfig): Promise<boolean> {
  const { absentDatabase } = await import('../../operations/index.ts')
  return (await absentDatabase(config)) !== undefined
}

async function openLocal(config: TroupeConfig, location: string): Promise<Transport> {
  return transportTo(await createLocalTroupe(config), location)
}

async function transportTo(troupe: Troupe, location: string): Promise<Transport> {
  const { localTransport } = await import('./local-transport.ts')
  return localTransport(troupe, location)
}

/** Opens an empty troupe that sends no audit records and records no cassette. With code it is closed, so that no run begins. */
async function openRehearsal(config: TroupeConfig, location: string, code: boolean): Promise<Transport> {
  const { audit: _, cassette: __, ...rest } = inMemory(config)
  const troupe = await createLocalTroupe(code ? { ...rest, log: 'silent' } : rest)
  const transport = await transportTo(troupe, location)
  if (code) await troupe.close()
  return transport
}

/** @throws CliError if the database file is missing */
export async function needDatabase(config: TroupeConfig): Promise<void> {
  const { absentDatabase } = await import('../../operations/index.ts')
  const missing = await absentDatabase(config)
  if (!missing) return
  const { path, near } = missing
  const error = commandFailure('storage.missing', exitCodes.missing, { path })
  throw near === undefined ? error : new CliError(error.message, { ...error, hint: `Did you mean sqlite:${near}?` })
}

/** The command handles signals itself: it closes its server too, and ends with its own exit code. */
export async function createLocalTroupe(config: TroupeConfig): Promise<Troupe> {
  const { createTroupe } = await import('../../startup/index.ts')
  return createTroupe({ ...config, signals: false })
}

/** Opens the storage of a configuration for a command that executes no agents, and so needs no API keys of models. */
export async function openWithoutCode({ config, effectiveValues }: LoadedConfig): Promise<Troupe> {
  const { withOrigins } = await import('../../configuration/index.ts')
  return createLocalTroupe(withOrigins(withoutCode(config), { effectiveValues, config, inspectOnly: true }))
}

/** Removes agents and teams, so that runs of other programs are not executed here, and silences the log. */
function withoutCode({ agents: _, teams: __, ...rest }: TroupeConfig): TroupeConfig {
  return { ...rest, log: 'silent' }
}

export async function storageLocationOf({ config: { storage } }: LoadedConfig): Promise<string> {
  const { redactedStorageUrl } = await import('../../configuration/index.ts')
  const { url, host = 'localhost', database = '' } = typeof storage === 'string' ? { url: storage } : Object(storage)
  return redactedStorageUrl(typeof url === 'string' ? url : `postgres://${host}/${database}`)
}

/** @throws CliError if the server that owns the database accepts connections and does not answer */
async function needAnswer(address: string, { message }: Error): Promise<void> {
  const signal = AbortSignal.timeout(maxAnswerMs)
  // Any answer will do. The request of the command reports a server that cannot be reached.
  await fetch(`${address}/v1/health`, { signal }).then(
    ({ body }) => body?.cancel(),
    () => {},
  )
  if (!signal.aborted) return
  throw new CliError(`${message} Its server ${address} does not answer.`, {
    exit: exitCodes.unavailable,
    code: 'server.unreachable',
    hint: 'That process may be stopped or blocked. Resume it (SIGCONT), or end it with SIGKILL and repeat the command.',
  })
}

/** @throws CliError if the process that owns the database is not a server */
function ownerOf(error: unknown): string | undefined {
  const { code, message, details } = error as {
    readonly code?: string
    readonly message?: string
    readonly details?: { readonly address?: unknown } | null
  }
  if (code !== 'storage.owned') return undefined
  if (typeof details?.address === 'string') return details.address
  throw new CliError(message ?? '', {
    exit: exitCodes.unavailable,
    code,
    hint: 'That process is not a server. Start it with `troupe serve` so that this command can ask it, or end it first.',
  })
}
