/** Listening connections that are killed at random: 2 % of what `npm run reliability:postgres -- listeners` does. */
import { describe, expect, test } from 'vitest'
import { runListenerTrial } from './listener-trial.ts'
import { missingServer, server } from './postgres-server.ts'

const missing = await missingServer()
const changes = 2_000

describe.skipIf(missing !== undefined)('watchers on killed connections', () => {
  test('The watchers on killed connections see every change of 8 writers in 2 processes once, in the order of commits.', async () => {
    const { watched, kills, p50, p99, worst } = await runListenerTrial(server, changes)
    process.stderr.write(`${kills} kills; from push to watcher p50 ${p50} ms, p99 ${p99} ms, worst ${worst} ms\n`)
    expect(watched.map(({ wrong }) => wrong)).toEqual(Array(12).fill(0))
    expect(watched.map(({ resyncs, changes: seen }) => resyncs > 0 || seen === changes / 4)).toEqual(
      Array(12).fill(true),
    )
    expect(kills).toBeGreaterThan(10)
  })
})
