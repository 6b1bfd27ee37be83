import { expect, it } from 'vitest'
import { createVirtualClock } from '../core/index.ts'
import { Access } from '../security/index.ts'
import { ContextCalls } from './context-calls.ts'
import type { Actor } from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'

function open({ staged = false } = {}) {
  const incidents: string[] = []
  const access = new Access({ deny: ['push_context'] })
  const actor = { user: 'ada', agent: 'A', access } as unknown as Actor
  const core = { incidents: { rejected: (_user: string, _agent: string, action: string) => incidents.push(action) } }
  const mesh = { core, clock: createVirtualClock() } as unknown as MeshServices
  return {
    calls: new ContextCalls(mesh, actor, undefined, staged ? { isReplayed: () => false } : undefined),
    incidents,
  }
}

it('A call without its right is one incident, and does not run.', async () => {
  const { calls, incidents } = open()
  let ran = false
  const call = calls.call('push_context', {}, () => {
    ran = true
  })
  await expect(call).rejects.toMatchObject({ code: 'access.denied' })
  expect([ran, incidents]).toEqual([false, ['push_context']])
})
it('A read outside a step stops waiting when its signal aborts; in a step, and a write, it does not.', async () => {
  const waits = async (staged: boolean, right: 'get_context' | 'delete_context') => {
    const abort = new AbortController()
    const result = Promise.withResolvers<string>()
    const call = open({ staged }).calls.call(right, { signal: abort.signal }, () => result.promise)
    const outcome = call.catch((error: { readonly code: string }) => error.code)
    await Promise.resolve()
    abort.abort()
    setImmediate(() => result.resolve('done'))
    return outcome
  }
  expect(await waits(false, 'get_context')).toBe('cancelled')
  expect(await waits(true, 'get_context')).toBe('done')
  expect(await waits(false, 'delete_context')).toBe('done')
})
