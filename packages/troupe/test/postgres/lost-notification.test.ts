/** A notification that is lost before the first poll of a process. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createTroupe } from '../../src/index.ts'
import { FaultProxy } from './fault-proxy.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()

describe.skipIf(missing !== undefined)('a lost notification', () => {
  test('A watch that starts with its process sees a change whose notification is lost in the first second.', async () => {
    const schema = schemaName('lost_notification')
    let isArmed = false
    const isNotification = ({ direction, type }: { readonly direction: string; readonly type: string }) =>
      isArmed && direction === 'in' && type === 'A'
    const proxy = await FaultProxy.open(server, { at: isNotification, when: 'before', how: 'stall' })
    const { username, pathname } = new URL(server)
    const peer = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    const url = `postgres://${username}@127.0.0.1:${proxy.port}${pathname}`
    const troupe = await createTroupe({ storage: { url, schema }, log: 'silent' })
    const stop = new AbortController()
    const seen: string[] = []
    const watch = troupe.user('ada').context.watch({ from: 0, signal: stop.signal })
    const watching = (async () => {
      for await (const item of watch) seen.push('key' in item ? item.key : item.type)
    })()
    // It has read that there is nothing, and waits.
    await sleep(200)
    isArmed = true
    await peer.user('ada').context.push('late', 1)
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['late'])
    expect(proxy.reached?.type).toBe('A')
    stop.abort()
    await watching
    await troupe.close()
    await peer.close()
    await proxy.close()
    await dropSchema(schema)
  })
})
