/** What a session that has said something once and then does nothing holds of the heap. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'

const count = 5_000

export async function idleSessions(): Promise<string> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapAfterGc = () => {
    collect()
    return process.memoryUsage()
  }
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const model = new MockModel({ responses: [{ text: 'Hello.', match: () => true }] })
  const agent = new LlmAgent({ name: 'Idle', model })
  const sessions = []
  const talk = async (threadId: string) => {
    const session = troupe.user('ada').session(agent, { threadId })
    await session.chat('Hello?')
    model.calls.length = 0
    sessions.push(session)
  }
  for (let i = 0; i < 500; i++) await talk(`warm ${i}`)
  const before = heapAfterGc()
  for (let i = 0; i < count; i++) await talk(`idle ${i}`)
  const after = heapAfterGc()
  await troupe.close()
  const heap = (after.heapUsed - before.heapUsed) / count
  const all = (after.rss - before.rss) / count
  return `an idle session: ${heap.toFixed(0)} bytes of heap, ${all.toFixed(0)} bytes of the process with its rows in memory`
}
