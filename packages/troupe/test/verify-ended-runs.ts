/**
 * Beside every test of modules that make runs: when a troupe closes, those of its runs that are over are replayed, and the
 * test that made one that differs fails. In CI, or with TROUPE_REPLAYS=on; with TROUPE_REPLAYS=all each of them, and it ends
 * with their number.
 */
import { afterAll, afterEach, expect } from 'vitest'
import type { Troupe } from '../src/index.ts'

const modulePattern = /\/src\/(?:agents|runs|operations|startup|protocols|compat|server|testing)\//

const { CI, TROUPE_REPLAYS } = process.env
const isOn = CI !== undefined || TROUPE_REPLAYS !== undefined
/** Of each user, the newest. */
const maxRuns = TROUPE_REPLAYS === 'all' ? Number.POSITIVE_INFINITY : 20

if (isOn && modulePattern.test(expect.getState().testPath ?? '')) {
  const { createTroupe } = await import('../src/index.ts')
  await using any = await createTroupe({ storage: 'memory:', log: 'silent' })
  const all = Object.getPrototypeOf(any) as Troupe
  const users = new WeakMap<Troupe, Set<string>>()
  const closing = new WeakMap<Troupe, Promise<void>>()
  const different: string[] = []
  let replayed = 0
  const { user, close } = all
  all.user = function (id) {
    users.set(this, (users.get(this) ?? new Set()).add(id))
    return user.call(this, id)
  }
  all.close = function () {
    const known = closing.get(this) ?? verifyAllReplays(this).then(() => close.call(this))
    closing.set(this, known)
    return known
  }
  const verifyAllReplays = async (troupe: Troupe): Promise<void> => {
    if (troupe.storageState().state !== 'open') return
    // One that is broken, or forgotten, on purpose is not what this is about.
    for (const id of users.get(troupe) ?? [])
      await verifyReplaysOf(troupe, id).catch((error: { readonly code?: string }) => {
        if (error.code === undefined) throw error
      })
  }
  const verifyReplaysOf = async (troupe: Troupe, id: string): Promise<void> => {
    const { orchestra } = user.call(troupe, id)
    let left = maxRuns
    for await (const run of await orchestra.list({ limit: 20 })) {
      if (left-- <= 0) return
      if (run.endedAt === undefined) continue
      const { identical, difference } = await orchestra.verifyReplay(run.id)
      replayed++
      if (!identical) different.push(`${run.id}: ${JSON.stringify(difference)}`)
    }
  }
  afterEach(() => {
    expect(different.splice(0), 'runs that replay differently').toEqual([])
  })
  // The next file of this process has its own.
  afterAll(() => {
    all.user = user
    all.close = close
    if (TROUPE_REPLAYS === 'all') process.stderr.write(`replayed ${replayed} runs\n`)
  })
}
