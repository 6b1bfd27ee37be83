/**
 * A process that writes for its life: so many writers commit numbered changes, and every number that was acknowledged is
 * printed. Each change writes its number twice and into the feed, so that half a change would show.
 *
 * node writer-child.ts SOURCES DATABASE WRITERS [CHANGES]
 * TROUPE_SAY: a file that gets the lines in place of the standard output.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import type { UserId } from '../../src/core/index.ts'
import type * as storageModule from '../../src/storage/index.ts'
import { migrations } from './numbered-load.ts'

const [sources = '', database = '', writers = '1', changes = 'Infinity'] = process.argv.slice(2)
const load = (moduleName: string) => import(pathToFileURL(join(sources, moduleName, 'index.ts')).href)
const { openStorage } = (await load('storage')) as typeof storageModule
const { systemClock, systemRandom } = (await load('core')) as typeof import('../../src/core/index.ts')

const output = process.env.TROUPE_OUTPUT ? openSync(process.env.TROUPE_OUTPUT, 'a') : 1
/** At once, for it may be killed next; whoever reads may be slow, and a full pipe then takes nothing for a while. */
function print(line: string): void {
  for (;;)
    try {
      writeSync(output, `${line}\n`)
      return
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
}
try {
  const storage = await openStorage({ url: `sqlite:${database}`, migrations, clock: systemClock, random: systemRandom })
  storage.announce('http://127.0.0.1:1')
  storage.onState(({ state }) => print(`state ${state}`))
  const [found] = await storage.read({ work: true }, [
    { sql: 'select max(n) as n from numbers', binds: [], returns: true },
  ])
  let next = ((found?.[0]?.n as number | null) ?? 0) + 1
  const last = next + Number(changes)
  print('ready')
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const write = async () => {
    while (next < last) {
      const n = next++
      try {
        const result = await storage.commit({
          id: `change-${n}`,
          scope: { user: `user-${n % 7}` as UserId },
          statements: [
            { sql: 'insert into numbers values (?, ?)', binds: [n, 'x'.repeat(300)], expect: { rows: 1 } },
            { sql: 'insert into echoes values (?)', binds: [n] },
          ],
          feed: [{ kind: 'put', key: `${n}`, data: '{}' }],
        })
        print(result.ok ? `ack ${n}` : `refused ${n} ${result.code}`)
      } catch (error) {
        print(`failed ${n} ${(error as { code?: string }).code}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  await Promise.all(Array.from({ length: Number(writers) }, write))
  print(`loop ${(loop.max / 1e6).toFixed(1)}`)
  await storage.close()
  print('closed')
} catch (error) {
  const { code, details } = error as { code?: string; details?: unknown }
  print(`error ${code ?? String(error)} ${JSON.stringify(details ?? {})}`)
  process.exitCode = 2
}
