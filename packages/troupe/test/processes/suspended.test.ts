/** A process that is suspended with SIGSTOP for longer than the timeouts of the calls that it is making. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'

const program = join(import.meta.dirname, 'suspended-child.ts')
const suspendedMs = 8_000

test('Timeouts of models and tools do not count the time in which their process was suspended.', async () => {
  const child = spawn(process.execPath, ['--no-warnings', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let suspensions = 0
  child.stdout.setEncoding('utf8').on('data', async (text: string) => {
    output += text
    if (!/^(model|tool)\n/m.test(text)) return
    suspensions++
    child.kill('SIGSTOP')
    await setTimeout(suspendedMs)
    child.kill('SIGCONT')
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(suspensions).toBe(2)
  expect(JSON.parse(output.split('\n').at(-1) ?? '')).toMatchObject({ status: 'completed', code: null })
  expect(output).toContain('found')
})
