/** Processes of one program, each on a database of its own, that may kill themselves at a moment of their choice. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** The interval of the tried moments of a kill; TROUPE_EVERY=1 tries each moment and takes minutes. */
export const every = Number(process.env.TROUPE_EVERY ?? 5)

/** @param program beside this file; it takes the paths of a database and of a file that it appends lines to */
export function childrenOf(program: string) {
  const path = join(import.meta.dirname, program)
  const folder = mkdtempSync(join(tmpdir(), 'troupe-killed-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const pathOf = (name: string) => join(folder, name)
  return {
    /** The file to which the processes of the name append their lines. */
    pathOf,
    /** @param kills whether the program kills itself, or at which moment: `TROUPE_KILLS` says so to it */
    start(name: string, kills: boolean | number) {
      const args = ['--no-warnings', path, pathOf(`${name}.db`), pathOf(name)]
      const env = { ...process.env, TROUPE_KILLS: kills === true ? 'yes' : kills === false ? '' : `${kills}` }
      const { signal, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
      return { signal, output: stdout, stderr }
    },
    linesOf: (name: string) => readFileSync(pathOf(name), 'utf8').split('\n').filter(Boolean),
  }
}
