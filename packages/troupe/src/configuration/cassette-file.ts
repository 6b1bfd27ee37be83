/** A cassette on a file, opened as the configuration says. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { checkOptions, failure, type Recording, show } from '../core/index.ts'
import { type CassetteMode, type CassetteStore, openCassette } from '../models/index.ts'

export interface CassetteConfig {
  /** JSON lines; made where there is none, unless it is to be replayed. */
  readonly path: string
  /**
   * `replay` (the default): the tape alone, nothing is asked. `record`: a new tape. `auto`: the tape, and what it lacks is
   * asked and recorded.
   */
  readonly mode?: CassetteMode
  /** Paths that are taken out of what is kept: `request.prompt.*.content`, `answer.output.iban`, `**.iban`. */
  readonly redact?: readonly string[]
  /** Values that are taken out wherever they stand; keys of the environment are in any case. */
  readonly secrets?: readonly string[]
}

const modes: readonly CassetteMode[] = ['replay', 'record', 'auto']

/** @throws ValidationError for an option that is none, `cassette.unreadable` */
export function openCassetteFile(config: CassetteConfig, secrets: readonly string[]): Promise<Recording> {
  const wrong = (problem: string) => failure('validation.failed', { what: 'The cassette', problem })
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
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  },
  append: (text) => appendFile(path, text),
})
