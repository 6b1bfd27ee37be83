/** On PostgreSQL, where timers go by the server's clock, time without a process counts for no clock of work either. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('down_time')
const storage = JSON.stringify({ url: server, schema, poolSize: 2 })
afterAll(() => (missing === undefined ? dropSchema(schema) : undefined))

/** @returns what the process said; killed as soon as it says `started` */
function live(mode: string): Promise<string> {
  const program = join(import.meta.dirname, 'down-time-child.ts')
  const child = spawn(process.execPath, ['--no-warnings', program, storage, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('started')) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.once('close', () => resolve(output)))
}

test.skipIf(missing !== undefined)(
  'Runs whose process is killed on PostgreSQL complete, although they stayed without a process for longer than their limits.',
  async () => {
    expect(await live('start')).toBe('started\n')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const completed = ['completed', ['A', 'B']]
    expect(JSON.parse(await live('finish'))).toEqual({
      join: completed,
      step: completed,
      branch: completed,
      run: completed,
      time: completed,
    })
  },
  60_000,
)
