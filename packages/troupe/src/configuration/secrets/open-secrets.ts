/** The sources of secrets, as the configuration lists them. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import {
  type Clock,
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  milliseconds,
  type Redactor,
} from '../../core/index.ts'
import { type SecretSource, Secrets } from '../../security/index.ts'
import { readEnvironment } from '../environment.ts'

/** A source of secrets: files. */
export interface SecretFiles {
  /**
   * A folder with one file per secret, such as `/run/secrets`. A line break at the end of a file is not part of the
   * secret.
   */
  readonly files: string
  /** The time after which a file is read again; 1 min by default. */
  readonly ttl?: Duration
}

/** A source of secrets: a command. */
export interface SecretCommand {
  /**
   * A program and its arguments, in which `{name}` is replaced by the name of the secret; no shell is used. Its output
   * is the secret.
   */
  readonly command: readonly string[]
  /** The time after which the command is executed again; 5 min by default. */
  readonly ttl?: Duration
  /** The timeout of the command; 10 s by default. */
  readonly timeout?: Duration
}

/** The sources of secrets, in the order in which they are asked; `['environment']` by default. */
export type SecretsConfig = readonly ('environment' | SecretFiles | SecretCommand | SecretSource)[]

interface Parts {
  readonly clock: Clock
  readonly redactor: Redactor
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** @throws ValidationError for an invalid source */
export function openSecrets(config: SecretsConfig = ['environment'], parts: Parts): Secrets {
  if (!Array.isArray(config)) throw invalidInput('secrets', 'it must be a list of sources')
  for (const secret of readEnvironment(parts.variables).secrets) parts.redactor.addSecret(secret)
  return new Secrets({ ...parts, sources: config.map((one, i) => sourceOf(one, `secrets[${i}]`, parts)) })
}

function sourceOf(config: SecretsConfig[number], where: string, parts: Parts): SecretSource {
  if (config === 'environment') return { get: (name) => asValue(parts.variables[name]) }
  if (typeof config === 'object' && config !== null) {
    if ('get' in config && typeof config.get === 'function') return config
    if ('files' in config) return filesSource(config, where, parts.clock)
    if ('command' in config) return commandSource(config, where, parts.clock)
  }
  throw invalidInput(where, "it is none of 'environment', { files }, { command } and { get }")
}

const asValue = (text: string | undefined) => (text ? { value: text } : undefined)

function filesSource(config: SecretFiles, where: string, clock: Clock): SecretSource {
  checkOptions(where, config, ['files', 'ttl'])
  if (typeof config.files !== 'string' || config.files === '')
    throw invalidInput(where, 'files is the path of a folder')
  const folder = resolve(config.files)
  const ttlMs = milliseconds(config.ttl ?? '1m', `${where}.ttl`, '1ms')
  return {
    async get(name) {
      const path = resolve(folder, name)
      if (!path.startsWith(folder + sep)) return undefined
      try {
        const value = (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
        return value === '' ? undefined : { value, expiresAt: clock.now() + ttlMs }
      } catch (error) {
        const { code } = error as { readonly code?: string }
        if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
        throw failure('secret.failed', { name, problem: `its file cannot be read (${code ?? 'unknown'})` })
      }
    },
  }
}

function commandSource(config: SecretCommand, where: string, clock: Clock): SecretSource {
  checkOptions(where, config, ['command', 'ttl', 'timeout'])
  const { command } = config
  if (
    !Array.isArray(command) ||
    command.length === 0 ||
    !command.every((part) => typeof part === 'string' && part !== '')
  )
    throw invalidInput(where, 'command is a list of a program and its arguments')
  const ttlMs = milliseconds(config.ttl ?? '5m', `${where}.ttl`, '1ms')
  const timeout = milliseconds(config.timeout ?? '10s', `${where}.timeout`, '1ms')
  return {
    async get(name) {
      const [program = '', ...rest] = command.map((part) => part.replaceAll('{name}', name))
      const value = (await printed(name, program, rest, timeout)).replace(/\r?\n$/, '')
      return value === '' ? undefined : { value, expiresAt: clock.now() + ttlMs }
    },
  }
}

/** Its error output may quote a secret, and is not reported. */
const printed = (
  name: string,
  program: string,
  commandArguments: readonly string[],
  timeout: number,
): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(program, commandArguments, { timeout, maxBuffer: 64 * 1024, encoding: 'utf8' }, (error, stdout) => {
      if (!error) return resolve(stdout)
      const how = error.killed ? `took longer than ${timeout} ms` : `ended with ${String(error.code ?? error.signal)}`
      reject(failure('secret.failed', { name, problem: `the command ${program} ${how}` }))
    })
  })
