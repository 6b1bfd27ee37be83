/** A process with a batch handler is killed while it hangs, and another goes on with the batch. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../postgres/postgres-server.ts'

const program = join(import.meta.dirname, 'batch-child.ts')
const missing = await missingServer()
const folder = mkdtempSync(join(tmpdir(), 'troupe-batch-'))
const schemas: string[] = []
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  for (const schema of schemas) await dropSchema(schema)
})

/** What it said until its end; killed where it says that it hangs. */
function live(storage: unknown, ledger: string, hangs: number): Promise<string> {
  const child = spawn(process.execPath, ['--no-warnings', program, JSON.stringify(storage), ledger, `${hangs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('hangs')) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.once('close', () => resolve(output)))
}

describe('a killed process with a batch', () => {
  const trial = async (storage: unknown, name: string, hangs: number) => {
    const ledger = join(folder, name)
    expect(await live(storage, ledger, hangs)).toBe('hangs\n')
    expect(await live(storage, ledger, 0)).toBe('left 0\n')
    expect(readFileSync(ledger, 'utf8')).toBe('1\n2\n3\n')
  }
  test.for([2, 3])('A batch that is killed after %i of three effects does each once, on a file.', async (hangs) => {
    await trial(`sqlite:${join(folder, `${hangs}.db`)}`, `file ${hangs}`, hangs)
  })
  test.skipIf(missing !== undefined).for([2, 3])(
    'A batch that is killed after %i of three effects does each once, on PostgreSQL.',
    async (hangs) => {
      const schema = schemaName(`batch_${hangs}`)
      schemas.push(schema)
      await trial({ url: server, schema, poolSize: 2 }, `postgres ${hangs}`, hangs)
    },
  )
})
