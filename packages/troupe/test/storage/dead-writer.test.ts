/** A writer thread that dies: whoever waits is told, nobody waits for ever, and what it had made durable stays. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { numbersIn, problemIn } from './numbered-load.ts'
import { plant } from './power-loss/plant-defect.ts'
import { startChild } from './start-child.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-dead-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('A writer thread that dies between commit and answer rejects everything that waits, and the state is failed.', async () => {
  const { from, remove } = plant(
    'storage/sqlite/writer/writer-thread.ts',
    'for (const reply of writer.handle(request, next)) port.postMessage(reply)',
    `const replies = writer.handle(request, next)
  const n = JSON.stringify(request.kind === 'batch' ? request.cells : '').match(/change-(\\d+)/)?.[1]
  if (Number(n) > 50) process.exit(7)
  for (const reply of replies) port.postMessage(reply)`,
  )
  try {
    const database = join(folder, 'troupe.db')
    const child = startChild({ database, writers: 8, changes: 100, from })
    await child.ended
    const acknowledged = child.acknowledged()
    expect(child.lines).toContain('state failed')
    expect(child.lines.at(-1)).toBe('closed')
    expect(acknowledged.length).toBeGreaterThan(40)
    expect(child.lines.filter((line) => / storage.io$/.test(line))).toHaveLength(100 - acknowledged.length)
    // The last group was durable, and its callers learnt that nobody knows.
    expect(numbersIn(database).length).toBeGreaterThan(acknowledged.length)
    expect(problemIn(database, acknowledged)).toBeUndefined()
  } finally {
    remove()
  }
})
