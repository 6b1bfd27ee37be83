/**
 * The bytes of a file that a write adds, with the audit log and without it: values of 100 bytes over 200 keys, messages
 * that are acknowledged, runs of one step. Nothing is old enough to go.
 *
 * node bench/storage/disk.ts [WRITES]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe, defineAgent, defineMessage, type Troupe } from 'troupe'

const writes = Number(process.argv[2] ?? '20000')
const atOnce = 100
const text = 'x'.repeat(100)
const Job = defineMessage<string>('job')
const Echo = defineAgent<string, string>({ name: 'Echo', run: async (input) => input })

const acknowledge = async (troupe: Troupe) => {
  for (const delivery of await troupe.user('ada').agent('Box').mailbox.receive({ max: 200 })) await delivery.ack()
}
const send = (troupe: Troupe, dedupeId?: string) =>
  troupe
    .user('ada')
    .agent('Sender')
    .messages.send(Job, text, { to: 'Box', ...(dedupeId === undefined ? {} : { dedupeId }) })

const kinds: Readonly<Record<string, (troupe: Troupe, n: number) => Promise<unknown>>> = {
  'an entry': (troupe, n) =>
    troupe
      .user('ada')
      .agent('A')
      .context.push(`key.${n % 200}`, text),
  'a message, acknowledged': (troupe) => send(troupe),
  'a message with a dedupeId, acknowledged': (troupe, n) => send(troupe, `${n}`),
  'a run of one step': (troupe) => troupe.user('ada').orchestra.run({ agent: 'Echo', task: text }),
}

/** @returns bytes a write */
async function measure(write: (troupe: Troupe, n: number) => Promise<unknown>, audit: boolean, count: number) {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-disk-'))
  const troupe = await createTroupe({
    storage: `sqlite:${join(folder, 'troupe.db')}`,
    agents: [Echo],
    audit: { writes: audit },
    log: 'silent',
  })
  const batch = async (from: number) => {
    await Promise.all(Array.from({ length: atOnce }, (_, n) => write(troupe, from + n)))
    await acknowledge(troupe)
  }
  const size = async () => {
    // Records of the audit log have their place in its tree then.
    await troupe.audit.tree()
    return (await troupe.sizes()).database
  }
  let n = 0
  for (; n < count / 4; n += atOnce) await batch(n)
  const before = await size()
  const from = n
  for (; n < from + count; n += atOnce) await batch(n)
  const bytes = ((await size()) - before) / (n - from)
  await troupe.close()
  rmSync(folder, { recursive: true, force: true })
  return Math.round(bytes)
}

for (const [kind, write] of Object.entries(kinds)) {
  const count = kind.includes('run') ? writes / 10 : writes
  const [audited, plain] = [await measure(write, true, count), await measure(write, false, count)]
  console.log(`${kind}: ${audited} bytes of file, ${plain} without the audit log`)
}
