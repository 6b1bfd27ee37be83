/** The deletion of a thread removes all that belongs to it, is recorded, and is of one user. */
import { describe, expect, it } from 'vitest'
import { defineAgent, LlmAgent, patterns } from '../../../index.ts'
import { partsOf } from '../../../startup/index.ts'
import { MockModel } from '../../../testing/index.ts'
import { threadStorages } from './thread-storages.test.fixture.ts'

const { storages, opened: openTroupe } = await threadStorages('delete_thread')

const asking = defineAgent({ name: 'Asking', run: (_, ctx) => ctx.ask({ text: '?' }) })
const echo = defineAgent<string>({ name: 'Echo', run: async (task) => task })
const pair = patterns.pipeline({ stages: [{ agents: [echo] }, { agents: [echo] }] })
/** A file of 64 KB, which the storage holds as a blob. */
const picture = { type: 'file', mediaType: 'image/png', data: 'A'.repeat(64 * 1024) }

describe.each(storages)('the deletion of threads on %s', (_, storageOf) => {
  const opened = async () => {
    const responses = [
      { toolCalls: [{ name: 'remember', args: { text: 'PIN 1234' } }] },
      ...Array.from({ length: 9 }, () => 'noted'),
    ]
    const clerk = new LlmAgent({
      name: 'Clerk',
      model: new MockModel({ responses }),
      memory: { working: true, episodic: true },
    })
    const troupe = await openTroupe({
      storage: storageOf(),
      agents: [clerk, echo, asking],
      teams: { pair },
    })
    const count = async (user: string, table: string) => {
      const { storage } = troupe[partsOf].stores
      const sql = `select count(*) as n from ${table} where user_id = '${user}'`
      const [rows] = await storage.read({ user: troupe.user(user).id }, [{ sql, binds: [], returns: true }])
      return Number(rows?.[0]?.n)
    }
    return { troupe, count, ada: troupe.user('ada') }
  }

  it('The deletion removes messages, memories, episodes and files of the thread alone, and is recorded.', async () => {
    const { troupe, count, ada } = await opened()
    const { orchestra } = ada
    const task = [{ type: 'text', text: 'My PIN is 1234.' }, picture]
    const run = await orchestra.start({ task: task as never, agent: 'Clerk', threadId: 'secret' })
    await run.result()
    await orchestra.run({ task: 'Hello.', agent: 'Clerk', threadId: 'other' })
    const before = await count('ada', 'thread_messages')
    expect(before).toBeGreaterThan(3)
    expect([await ada.memory('Clerk').working('secret').size(), await ada.memory('Clerk').episodic.size()]).toEqual([
      1, 2,
    ])
    await orchestra.deleteThread('secret')
    expect((await orchestra.threads()).items.map(({ threadId }) => threadId)).toEqual(['other'])
    await expect(orchestra.thread('secret')).rejects.toMatchObject({ code: 'thread.unknown' })
    expect([await ada.memory('Clerk').working('secret').size(), await ada.memory('Clerk').episodic.size()]).toEqual([
      0, 1,
    ])
    expect(await count('ada', 'thread_messages')).toBe(2)
    const { items } = await troupe.audit.list({ operation: 'thread.delete' })
    expect(items).toMatchObject([{ actor: 'host', resource: 'secret', user: 'ada', allowed: true }])
    // The record of the run has its own retention.
    expect(await run.status()).toMatchObject({ status: 'completed' })
    await orchestra.run({ task: 'Who am I?', agent: 'Clerk', threadId: 'secret' })
    expect(JSON.stringify((await orchestra.thread('secret')).messages)).not.toContain('1234')
  })

  it('The deletion rejects a thread in use, an unknown one, one of another user, and a name that is not clear.', async () => {
    const { troupe, ada } = await opened()
    const { orchestra } = ada
    const run = await orchestra.start({ task: 't', agent: 'Asking', threadId: 't' })
    await run.result()
    await expect(orchestra.deleteThread('t')).rejects.toMatchObject({ code: 'thread.busy' })
    await run.cancel()
    await run.result()
    await orchestra.run({ task: 't', team: 'pair', threadId: 't' })
    await expect(orchestra.deleteThread('t')).rejects.toThrow('held with pair, Asking: name one')
    await expect(orchestra.deleteThread('none')).rejects.toMatchObject({ code: 'thread.unknown' })
    await expect(orchestra.deleteThread('t', { name: 'Clerk' })).rejects.toMatchObject({ code: 'thread.unknown' })
    await expect(troupe.user('eve').orchestra.deleteThread('t')).rejects.toMatchObject({ code: 'thread.unknown' })
    await orchestra.deleteThread('t', { name: 'pair' })
    expect((await orchestra.threads()).items).toMatchObject([{ threadId: 't', agent: 'Asking' }])
    await Promise.allSettled([orchestra.deleteThread('t'), orchestra.deleteThread('t')])
    expect((await orchestra.threads()).items).toEqual([])
    const { items } = await troupe.audit.list({ operation: 'thread.delete' })
    expect(items).toHaveLength(2)
  })
})
