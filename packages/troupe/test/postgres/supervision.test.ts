/** Two processes supervise the same worker; handlers fail and hang, and one process is killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createTroupe, defineMessage, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const Order = defineMessage<number>('order')
const orders = 40
const missing = await missingServer()
const schema = schemaName('supervision')
const storage = { url: server, schema } as const

describe.skipIf(missing !== undefined)('workers that two processes supervise', () => {
  const children: ChildProcess[] = []
  let troupe: Troupe | undefined
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await troupe?.close()
  })
  afterAll(() => dropSchema(schema))

  test('Workers that two processes supervise handle each message once, although handlers fail and hang and a process is killed.', async () => {
    troupe = await createTroupe({ storage, log: 'silent', messaging: { lease: '2s', maxAttempts: 50 } })
    const ada = troupe.user('ada')
    const charges: string[] = []
    const begin = (seed: number) => {
      const program = join(import.meta.dirname, 'supervised-child.ts')
      const child = spawn(process.execPath, [program, JSON.stringify(storage), String(seed)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(child)
      let rest = ''
      const up = Promise.withResolvers<void>()
      child.stdout?.on('data', (data) => {
        const lines = `${rest}${data}`.split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines)
          if (line === 'up') up.resolve()
          else charges.push(line)
      })
      return up.promise
    }
    await Promise.all([begin(0), begin(3)])
    const { messages } = ada.agent('Host')
    await Promise.all(Array.from({ length: orders }, (_, n) => messages.send(Order, n, { to: 'Till' })))
    const until = async (holds: () => boolean | Promise<boolean>) => {
      while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await until(() => charges.length >= orders / 4)
    children[0]?.kill('SIGKILL')
    const { mailbox } = ada.agent('Till')
    await until(async () => {
      const { waiting, leased, scheduled } = await mailbox.counts()
      return waiting + leased + scheduled === 0
    })
    // Those whose charge was under way when the process was killed: nobody knows, and nobody charges again.
    const { dead } = await mailbox.counts()
    const done = (await ada.context.keys({ prefix: 'done.' })).items.length
    expect(new Set(charges).size).toBe(charges.length)
    expect(done + dead).toBe(orders)
    expect(dead).toBeLessThanOrEqual(8)
  })
})
