/** The configuration file: code (`troupe.config.ts`), or YAML or JSON with references to other places. */
import { access, readFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { failure, isObject, withoutByteOrderMark } from '../../core/index.ts'
import { secretRef } from '../../security/index.ts'
import { codeProblem } from './code-problem.ts'
import type { Variables } from './read-variables.ts'

const endings = ['ts', 'mts', 'js', 'mjs', 'yaml', 'yml', 'json']

export interface ConfigFile {
  readonly path: string
  readonly content: Readonly<Record<string, unknown>>
  /** Variables that it refers to. */
  readonly used: ReadonlySet<string>
}

/**
 * @param wanted a path that must exist; without it `troupe.config.*` of the folder, if there is one
 * @throws ValidationError `config.unreadable`; `config.contradiction` where the folder has two
 */
export async function readConfigFile(
  cwd: string,
  wanted: string | undefined,
  variables: Variables,
): Promise<ConfigFile | undefined> {
  const path = wanted === undefined ? await find(cwd) : resolve(cwd, wanted)
  if (path === undefined) return undefined
  const used = new Set<string>()
  const content = await read(path, variables, used)
  if (!isObject(content)) throw failure('config.unreadable', { path, problem: 'it must export an object' })
  return { path, content, used }
}

async function find(cwd: string): Promise<string | undefined> {
  const there: string[] = []
  for (const ending of endings) {
    const path = join(cwd, `troupe.config.${ending}`)
    if (await exists(path)) there.push(path)
  }
  const [first, second] = there
  if (first && second)
    throw failure('config.contradiction', { setting: 'the configuration', one: first, other: second })
  return first
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function read(path: string, variables: Variables, used: Set<string>): Promise<unknown> {
  const unreadable = (problem: string, cause?: unknown) =>
    failure('config.unreadable', { path, problem }, cause === undefined ? {} : { cause })
  const ending = extname(path).slice(1)
  if (!endings.includes(ending)) throw unreadable(`it ends with none of ${endings.join(', ')}`)
  if (!(await exists(path))) throw unreadable('it is not there')
  if (ending.endsWith('js') || ending.endsWith('ts')) {
    try {
      const imported = (await import(pathToFileURL(path).href)) as { readonly default?: unknown }
      return await imported.default
    } catch (error) {
      const { problem, package: missing } = codeProblem(error, path)
      if (missing === undefined) throw unreadable(problem, error)
      throw failure('package.missing', { what: `The configuration ${path}`, package: missing }, { cause: error })
    }
  }
  const file = await readFile(path, 'utf8').catch((error: Error) => {
    throw unreadable(error.message, error)
  })
  const text = withoutByteOrderMark(file)
  let parsed: unknown
  try {
    parsed = ending === 'json' ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (error) {
    throw unreadable(syntaxProblem(ending === 'json' ? 'JSON' : 'YAML', error))
  }
  return referred(parsed ?? {}, { path, variables, used })
}

/**
 * Returns the message of the parser, as far as it does not quote the text, which may have a secret, with the position.
 */
function syntaxProblem(kind: 'JSON' | 'YAML', error: unknown): string {
  const message = String((error as Error).message)
  const [first = ''] = message.split('\n')
  if (kind === 'YAML') return first.replace(/:$/, '')
  const location = /\(line \d+ column \d+\)/.exec(message)?.[0]
  return location === undefined ? 'it is not JSON' : `it is not JSON ${location}`
}

interface Reading {
  readonly path: string
  readonly variables: Variables
  readonly used: Set<string>
}

/** `${env:NAME}` and `${file:PATH}` are read here; `${secret:NAME}`, alone, when it is needed. */
async function referred(value: unknown, reading: Reading): Promise<unknown> {
  if (typeof value === 'string') return referredText(value, reading)
  if (Array.isArray(value)) return Promise.all(value.map((one) => referred(one, reading)))
  if (typeof value !== 'object' || value === null) return value
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, one]) => [key, await referred(one, reading)] as const),
  )
  return Object.fromEntries(entries)
}

async function referredText(text: string, { path, variables, used }: Reading): Promise<unknown> {
  const match = /^\$\{secret:([^}]*)\}$/.exec(text)
  if (match) return secretRef(match[1] as string)
  let result = ''
  let end = 0
  for (const { 0: reference, 1: kind, 2: name = '', index } of text.matchAll(/\$\{(\w+):([^}]*)\}/g)) {
    result += text.slice(end, index) + (await resolved(kind, name))
    end = index + reference.length
  }
  return result + text.slice(end)

  async function resolved(kind: string | undefined, name: string): Promise<string> {
    const wrong = (problem: string) => failure('config.unreadable', { path, problem })
    if (kind === 'env') {
      used.add(name)
      const value = variables[name]
      if (!value) throw wrong(`it refers to the variable ${name}, which is not set`)
      return value
    }
    if (kind === 'file')
      return (
        await readFile(resolve(path, '..', name), 'utf8').catch(() => {
          throw wrong(`it refers to the file ${name}, which cannot be read`)
        })
      ).trimEnd()
    throw wrong(
      kind === 'secret'
        ? 'the reference to a secret stands alone, with nothing before or after it'
        : `it refers to ${kind}:, which is none of env, file, secret`,
    )
  }
}
