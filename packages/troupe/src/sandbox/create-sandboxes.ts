/** The sandbox of a troupe: its engines and limits, and what makes `ctx.sandbox` of a step. */
import { checkOptionNames, checkOptions, type Duration, invalidInput, milliseconds } from '../core/index.ts'
import type { Blobs, Storage } from '../storage/index.ts'
import { createStoredFiles, type FileLimits, type StoredFiles } from './files/stored-files.ts'
import type { Sandbox, SandboxEngine } from './sandbox-port.ts'
import { type SandboxLimits, StepSandbox, type StepSandboxOptions } from './step-sandbox.ts'

/** The option `sandbox` of `createTroupe`. */
export interface SandboxConfig {
  /** The engines; `quickJsSandbox()` by default. The first one that has the language executes the code. */
  readonly engines?: readonly SandboxEngine[]
  /** The longest time of one execution; 10 s by default. */
  readonly timeout?: Duration
  /** The limits of executions and of stored files. */
  readonly limits?: {
    /** The memory of one execution in megabytes; 64 by default. */
    readonly memory?: number
    /** The bytes of `stdout`, and of `stderr`, that are returned; 65,536 each by default. */
    readonly output?: number
    /** The bytes of one file; 4 MiB by default, at most 5 MiB. */
    readonly file?: number
    /** The bytes of the files that one execution gets, and of those that it changes; 16 MiB by default. */
    readonly workspace?: number
    /** The bytes of all versions of all files of a user; 256 MiB by default. */
    readonly user?: number
    /** The number of versions of all files of a user; 20,000 by default. */
    readonly versions?: number
  }
}

const mebibyte = 1024 * 1024
const defaults = {
  memory: 64,
  output: 65_536,
  file: 4 * mebibyte,
  workspace: 16 * mebibyte,
  user: 256 * mebibyte,
  versions: 20_000,
}
/** Some 24 days: a timer of Node with a longer time fires at once. */
const longestMs = 2 ** 31 - 1_000
/** In base64 it still fits into one value of the storage. */
const largestFile = 5 * mebibyte

/** @throws ValidationError for a wrong option */
export function readSandboxConfig(config: SandboxConfig = {}): {
  readonly engines: readonly SandboxEngine[] | undefined
  readonly limits: SandboxLimits
  readonly fileLimits: FileLimits
} {
  const wrong = (what: string, problem: string) => invalidInput(`sandbox.${what}`, problem)
  checkOptions('sandbox', config, ['engines', 'timeout', 'limits'])
  checkOptionNames('sandbox.limits', config.limits ?? {}, Object.keys(defaults))
  for (const [name, value] of Object.entries(config.limits ?? {}))
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0))
      throw wrong(`limits.${name}`, 'it must be a whole number from 1')
  const { engines } = config
  if (engines !== undefined && !(Array.isArray(engines) && engines.length > 0 && engines.every(isEngine)))
    throw wrong('engines', 'it must be a list of engines, each with a name, languages, effect and run')
  const limits = { ...defaults, ...config.limits }
  if (limits.file > largestFile) throw wrong('limits.file', `it is more than ${largestFile}`)
  return {
    engines,
    limits: {
      timeoutMs: Math.min(longestMs, milliseconds(config.timeout ?? '10s', 'sandbox.timeout', '1ms')),
      memoryMb: limits.memory,
      outputBytes: limits.output,
      workspaceBytes: limits.workspace,
    },
    fileLimits: { fileBytes: limits.file, userBytes: limits.user, userVersions: limits.versions },
  }
}

const isEngine = (engine: Partial<SandboxEngine> | null): boolean =>
  typeof engine?.run === 'function' &&
  typeof engine.name === 'string' &&
  Array.isArray(engine.languages) &&
  ['read', 'idempotent', 'at-most-once'].includes(String(engine.effect))

export interface Sandboxes {
  readonly stored: StoredFiles
  /** `ctx.sandbox` of a step. */
  open(options: StepSandboxOptions): Sandbox
}

/** @param parts `defaultEngines` is used if the configuration names none */
export function createSandboxes(
  parts: {
    readonly storage: Pick<Storage, 'dialect' | 'read'>
    readonly blobs: Blobs
    readonly defaultEngines: readonly SandboxEngine[]
  },
  config: SandboxConfig | undefined,
): Sandboxes {
  const { engines = parts.defaultEngines, limits, fileLimits } = readSandboxConfig(config)
  const stored = createStoredFiles(parts, fileLimits)
  return { stored, open: (options) => new StepSandbox({ engines, limits, stored }, options) }
}
