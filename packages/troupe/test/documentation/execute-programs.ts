/** Executes programs of pages in a few processes: a process for each would load the library for each. */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ended, environment, type Folder } from '../cli/cli-process.ts'
import { type PageProgram, repository } from './page-programs.ts'

export interface Execution {
  readonly completed: boolean
  readonly out: string
  readonly error: string
}

/** The processes that execute programs at one time. */
const processes = 2

/** The variables that pages read. */
function variables(): Record<string, string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    AUDIT_PRIVATE_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    AUDIT_PUBLIC_KEY: String(publicKey.export({ type: 'spki', format: 'pem' })),
    TROUPE_ENCRYPTION_KEY: '11'.repeat(32),
    NEXT_KEY: '22'.repeat(32),
    MODEL_KEY: 'a key of a provider',
  }
}

/** Returns the execution of each program, by the place of the program. */
export async function executePrograms(
  folder: Folder,
  programs: readonly PageProgram[],
): Promise<ReadonlyMap<string, Execution>> {
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
  for (const name of ['fastify', 'pino'])
    symlinkSync(join(repository, 'node_modules', name), join(folder.path, 'node_modules', name))
  const paths = new Map(programs.map((program) => [program.at, writeProgram(folder, program)]))
  const shares = Array.from({ length: processes }, (_, index) =>
    [...paths.values()].filter((__, at) => at % processes === index),
  )
  const outputs = await Promise.all(
    shares.map((share) =>
      ended(
        spawn(process.execPath, [join(import.meta.dirname, 'program-host.mjs'), ...share], {
          cwd: folder.path,
          env: environment(variables()),
        }),
      ),
    ),
  )
  const [out, error] = [outputs.map((each) => each.out).join(''), outputs.map((each) => each.error).join('')]
  return new Map(
    [...paths].map(([at, path]) => {
      const completed = out.includes(`@@ended ${path}\n`)
      return [at, { completed, out: between(out, path), error: between(error, path) }]
    }),
  )
}

function writeProgram(folder: Folder, { at, code }: PageProgram): string {
  const name = at.replaceAll(/\W/g, '-')
  mkdirSync(join(folder.path, name))
  const path = join(folder.path, name, 'program.ts')
  writeFileSync(path, code)
  return path
}

function between(text: string, path: string): string {
  const begin = `@@begin ${path}\n`
  const start = text.indexOf(begin)
  if (start === -1) return ''
  const rest = text.slice(start + begin.length)
  const end = rest.search(/@@(?:ended|failed) /)
  return end === -1 ? rest : rest.slice(0, end)
}
