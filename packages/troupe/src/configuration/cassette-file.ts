/** A cassette in a file, opened as the configuration says. */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkOptions, invalidInput, type Recording, show } from '../core/index.ts'
import { type CassetteMode, type CassetteStore, openCassette } from '../models/index.ts'
import { createFolder } from '../storage/index.ts'

/** The option `cassette` of `createTroupe`: a file of recorded answers of models and tools, for tests. */
export interface CassetteConfig {
  /** The path of the file, which has JSON lines. It is created if missing, unless it is to be replayed. */
  readonly path: string
  /**
   * `replay`, the default: answers come from the cassette alone, and no model or tool is called. `record`: a new
   * cassette is recorded. `auto`: answers come from the cassette, and missing ones are requested and recorded.
   */
  readonly mode?: CassetteMode
  /** Paths of values that are not recorded: `request.prompt.*.content`, `answer.output.iban`, `**.iban`. */
  readonly redact?: readonly string[]
  /** Texts that are removed from all that is recorded; API keys of the environment always are. */
  readonly secrets?: readonly string[]
}

const modes: readonly CassetteMode[] = ['replay', 'record', 'auto']

/** @throws ValidationError for an unknown option, `cassette.unreadable` */
export function openCassetteFile(config: CassetteConfig, secrets: readonly string[]): Promise<Recording> {
  const wrong = (problem: string) => invalidInput('The cassette', problem)
  checkOptions('cassette', config, ['path', 'mode', 'redact', 'secrets'])
  const { path, mode = 'replay', redact = [] } = config
  if (typeof path !== 'string' || path === '') throw wrong('it has no path')
  if (!modes.includes(mode)) throw wrong(`its mode is ${show(mode)}, not ${modes.join(', ')}`)
  return openCassette({ store: onFile(path), mode, redact, secrets: [...(config.secrets ?? []), ...secrets] })
}

const onFile = (path: string): CassetteStore => ({
  async read() {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ENOENT') return undefined
      throw error
    }
  },
  async write(text) {
    createFolder(dirname(path))
    await writeFile(path, text)
  },
  append: (text) => appendFile(path, text),
})
